"""Writes an nn.Sequential that was trained on MNIST as a file for Pockets (pip install torch safetensors):

    export(model, "mine.safetensors", mean=0.1307, deviation=0.3081)   # after transforms.Normalize((0.1307,), (0.3081,))
"""
from safetensors.torch import save_file

KEYS = "kernel_size stride padding dilation groups padding_mode ceil_mode count_include_pad divisor_override approximate eps".split()
KEYS += "alpha negative_slope min_val max_val beta threshold".split()


def export(model, path, name="mine", mean=0.0, deviation=1.0):
    lines = [f"normalise mean={mean} deviation={deviation}"]
    # One that is used twice stands in both places.
    for place, module in model.named_modules(remove_duplicate=False):
        if list(module.children()):
            assert type(module).__name__ == "Sequential", f"{place or 'the model'} is no nn.Sequential"
        else:
            said = [f"{key}={getattr(module, key)}".replace(" ", "") for key in KEYS if hasattr(module, key)]
            lines.append(" ".join([type(module).__name__.lower(), place, *said]))
    tensors = {key: value.contiguous() for key, value in model.state_dict().items()}
    save_file(tensors, path, {"name": name, "architecture": "\n".join(lines)})
