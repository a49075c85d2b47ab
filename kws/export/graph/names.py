"""Short names for the values inside an ONNX graph, for smaller files."""

from __future__ import annotations

from itertools import count
from typing import Any


def shorten(graph: Any) -> None:
    """Rename the values between the nodes of an `onnx.GraphProto` to numbers, in place; drop their shapes.

    Inputs, outputs, weights and nodes keep their names, and so do values that are numbers already. A runtime finds the
    shapes out as it loads the file.

    Args:
        graph: without graphs inside its nodes.
    """
    kept = {value.name for value in (*graph.input, *graph.output, *graph.initializer)}
    # An unused output has no name.
    made = [name for node in graph.node for name in node.output if name and name not in kept]
    taken = kept | {name for name in made if name.isdigit()}
    free = (str(number) for number in count() if str(number) not in taken)
    names = {name: next(free) for name in made if name not in taken}
    for node in graph.node:
        for ports in (node.input, node.output):
            for place, name in enumerate(ports):
                ports[place] = names.get(name, name)
    del graph.value_info[:]
