"""Writing ExecuTorch programs for phones: XNNPACK computes all but a few operators; labels and settings inside."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from kws.errors import KwsError, first_line
from kws.inference.executorch import NOISY, sealed
from kws.inference.metadata import METADATA_KEY, Metadata
from kws.inference.suppress_warnings import suppress_warnings


def write_executorch(module: nn.Module, example: Tensor, metadata: Metadata, path: Path) -> None:
    """Write a module of one input and one output as a `.pte` file that takes one clip at a time.

    The batch is fixed at one: a program for any batch is slower and takes more memory (docs/export.md).

    Its method `forward` takes float32 (1, …); its method `kws` takes nothing and returns the metadata as JSON.

    Args:
        module: to be written.
        example: an input (batch, …), of which the first counts.
        metadata: what `kws` returns.
        path: the file.

    Raises:
        KwsError: ExecuTorch is missing, or an operator can't be written.
    """
    with suppress_warnings(*NOISY):
        try:
            from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
            from executorch.exir import to_edge_transform_and_lower
        except ImportError as error:
            raise KwsError(f"export to ExecuTorch needs {error.name or error}; pip install 'kws[executorch]'") from error
        try:
            program = torch.export.export(_contiguous(module), (example[:1],))
            _drop_whole_slices(program)
            lowered = to_edge_transform_and_lower(
                program, partitioner=[XnnpackPartitioner()], constant_methods={METADATA_KEY: metadata.to_json()}
            )
            content = lowered.to_executorch().buffer
        except Exception as error:  # its passes raise many kinds
            raise KwsError(f"{path}: this model can't be written for ExecuTorch: {first_line(error)}") from error
    path.write_bytes(sealed(content))


def _contiguous(module: nn.Module) -> nn.Module:
    """Return the module with every tensor contiguous (C order); ExecuTorch stores nothing else."""
    module = copy.deepcopy(module).eval()
    for tensor in (*module.parameters(), *module.buffers()):
        tensor.data = tensor.data.contiguous()
    return module


def _drop_whole_slices(program: ExportedProgram) -> None:
    """Remove slices that take all there is, which torch.export writes as `alias`.

    Left in, they split what XNNPACK could compute as one part, and fail on channels-last images.
    """
    graph = program.graph_module.graph
    for node in graph.find_nodes(op="call_function", target=torch.ops.aten.alias.default):
        node.replace_all_uses_with(node.args[0])
        graph.erase_node(node)
    program.graph_module.recompile()
