"""Writes an nn.Sequential that was trained on MNIST as a file for Pockets (pip install torch safetensors):

    export(model.eval(), "mine.safetensors", mean=0.1307, deviation=0.3081)   # transforms.Normalize((0.1307,), (0.3081,))
"""
from safetensors.torch import save_file
from torch import nn


def export(model, path, name="my network", mean=0.0, deviation=1.0):
    text = lambda size: ",".join(map(str, size)) if isinstance(size, tuple) else str(size)
    # "same" is symmetric only for odd windows; others are refused by the shapes that follow.
    padding = lambda m: {"valid": 0, "same": tuple(k // 2 for k in m.kernel_size)}.get(m.padding, m.padding) if isinstance(m.padding, str) else m.padding
    window = lambda m: f"size={text(m.kernel_size)} stride={text(m.stride)} padding={text(m.padding)}"
    lines = {
        nn.Conv2d: lambda k, m: f"conv2d {k} stride={text(m.stride)} padding={text(padding(m))}",
        nn.BatchNorm1d: lambda k, m: f"batchnorm {k} eps={m.eps}", nn.BatchNorm2d: lambda k, m: f"batchnorm {k} eps={m.eps}",
        nn.Linear: lambda k, m: f"linear {k}", nn.MaxPool2d: lambda k, m: f"maxpool {window(m)}",
        nn.AvgPool2d: lambda k, m: f"avgpool {window(m)}", nn.Flatten: lambda k, m: "flatten", nn.ReLU: lambda k, m: "relu",
        nn.Tanh: lambda k, m: "tanh", nn.Sigmoid: lambda k, m: "sigmoid", nn.GELU: lambda k, m: "gelu",
        nn.Dropout: lambda k, m: "dropout", nn.Dropout2d: lambda k, m: "dropout", nn.Identity: lambda k, m: "dropout",
        nn.LogSoftmax: lambda k, m: "dropout", nn.Softmax: lambda k, m: "dropout",  # the logits are what goes in
    }
    usual = {"dilation": (1, (1, 1)), "groups": (1,), "padding_mode": ("zeros",), "ceil_mode": (False,), "approximate": ("none",),
             "count_include_pad": (True,), "divisor_override": (None,), "return_indices": (False,), "track_running_stats": (True,)}
    leaves = [(k, m) for k, m in model.named_modules() if not list(m.children())]
    for k, m in leaves:
        unusual = [key for key, values in usual.items() if getattr(m, key, values[0]) not in values]
        assert type(m) in lines and not unusual, f"{k}: {m} has no counterpart in Pockets {unusual}"
    assert not any(isinstance(m, (nn.LogSoftmax, nn.Softmax)) for _, m in leaves[:-1]), "a softmax is for the end"
    architecture = [f"normalise mean={mean} deviation={deviation}"] + [lines[type(m)](k, m) for k, m in leaves]
    tensors = {k: v.contiguous() for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    save_file(tensors, path, {"name": name, "architecture": "\n".join(architecture)})
