"""Prints what Python's safetensors finds in a network's file, as JSON: its metadata, and the shape and numbers of each tensor."""

import json
import sys

from safetensors import safe_open

with safe_open(sys.argv[1], framework="numpy") as file:
    tensors = {name: file.get_tensor(name) for name in file.keys()}
    found = {name: {"shape": tensor.shape, "values": tensor.ravel().tolist()} for name, tensor in tensors.items()}
    print(json.dumps({"metadata": file.metadata(), "tensors": found}))
