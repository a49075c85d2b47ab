"""Large constants of an ONNX graph as operators that compute them, once, as a runtime loads the file.

A front end's cosines and sines are half a megabyte, ten times what a small network's weights need, and come from one
period of a cosine and a window. A filterbank is nearly all zeros.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kws.export.graph.parts import read_by_alone
from kws.frontend.spectrum import Spectrum, folded_window

# A matrix of fewer values stays as it is, and one that has more than this share of values other than zero.
_FEWEST_VALUES, _DENSEST = 2048, 0.2


def compact(graph: Any, spectra: Iterable[Spectrum]) -> None:
    """Replace the front end's large matrices by small constants and operators that make them.

    Every value stays as it is, or becomes its neighbour in float32.

    Args:
        graph: an `onnx.GraphProto` whose nodes are named by `write_onnx`, changed in place.
        spectra: whose cosines and sines may be in it.
    """
    from onnx import TensorProto, numpy_helper

    tables = [table for spectrum in spectra for table in _tables(spectrum)]
    mine = read_by_alone(graph, "front_end")
    nodes: list[Any] = []
    for tensor in list(graph.initializer):
        large = tensor.data_type == TensorProto.FLOAT and len(tensor.dims) == 2 and np.prod(tensor.dims) >= _FEWEST_VALUES
        if not large or tensor.name not in mine:
            continue
        values, made = numpy_helper.to_array(tensor), _Made(tensor.name)
        if (table := next((table for table in tables if table.makes(values)), None)) is not None:
            table.write(made, values.shape)
        elif np.count_nonzero(values) < _DENSEST * values.size:
            _write_sparse(made, values)
        else:
            continue
        graph.initializer.remove(tensor)
        graph.initializer.extend(made.constants)
        nodes += made.nodes
    for node in reversed(nodes):
        graph.node.insert(0, node)


class _Table(NamedTuple):
    """weights[t] · period[index[t, k]], one half of a windowed Fourier transform.

    Attributes:
        period: float64 (two transforms,), a cosine.
        twice: int32 (times, 1), twice the times.
        bins: int32 (1, bins).
        shift: of the indices.
        weights: float64 (times, 1).
    """

    period: NDArray[np.float64]
    twice: NDArray[np.int32]
    bins: NDArray[np.int32]
    shift: int
    weights: NDArray[np.float64]

    def makes(self, values: NDArray[np.float32]) -> bool:
        """Return whether a matrix (times, bins) or (bins, times) equals this table."""
        mine = (self.weights * self.period[(self.twice * self.bins + self.shift) % len(self.period)]).astype(np.float32)
        return any(
            values.shape == one.shape and np.allclose(values, one, rtol=0, atol=np.finfo(np.float32).eps)
            for one in (mine, mine.T)
        )

    def write(self, made: _Made, shape: tuple[int, ...]) -> None:
        """Write the operators that compute it in this shape."""
        from onnx import TensorProto

        turned = shape != (len(self.twice), self.bins.size)
        twice, bins, weights = (array.T if turned else array for array in (self.twice, self.bins, self.weights))
        phase = made.apply("Mul", made.constant(twice), made.constant(bins))
        phase = made.apply("Add", phase, made.constant(np.int32(self.shift)))
        places = made.apply("Mod", phase, made.constant(np.int32(len(self.period))))
        wave = made.apply("Gather", made.constant(self.period), places)
        made.end("Cast", made.apply("Mul", wave, made.constant(weights)), to=TensorProto.FLOAT)


def _tables(spectrum: Spectrum) -> Iterator[_Table]:
    """Return the tables of the cosines and the sines."""
    size = spectrum.fft_size
    # Times of an odd window are halves: two periods of the transform's size hold all that is asked for.
    period = np.cos(np.pi * np.arange(2 * size) / size)
    time, even, odd = (array.numpy()[:, None] for array in folded_window(spectrum.window))
    bins = np.arange(spectrum.first_bin, spectrum.first_bin + spectrum.bins, dtype=np.int32)[None]
    for weights, shift in ((even, 0), (odd, 3 * size // 2)):  # sin(x) = cos(x + 3π/2)
        yield _Table(period, (2 * time).astype(np.int32), bins, shift, weights)


def _write_sparse(made: _Made, values: NDArray[np.float32]) -> None:
    """Write a sparse matrix as zeros with its other values put in."""
    from onnx import TensorProto

    places = np.argwhere(values)
    zeros = made.apply("ConstantOfShape", made.constant(np.array(values.shape, dtype=np.int64)))
    whole = made.apply("Cast", made.constant(places.astype(np.min_scalar_type(max(values.shape)))), to=TensorProto.INT64)
    made.end("ScatterND", zeros, whole, made.constant(values[tuple(places.T)]))


class _Made:
    """The small constants and operators that make a constant.

    Args:
        name: of the constant.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.constants: list[Any] = []
        self.nodes: list[Any] = []

    def constant(self, values: Any) -> str:
        """Add a small constant; return its name."""
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.asarray(values, order="C"), f"{self.name}/{len(self.constants)}"))
        return str(self.constants[-1].name)

    def apply(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator; return its output's name."""
        return self._node(operator, inputs, f"{self.name}/{operator.lower()}_{len(self.nodes)}", attributes)

    def end(self, operator: str, *inputs: str, **attributes: Any) -> None:
        """Add the operator whose output is the constant."""
        self._node(operator, inputs, self.name, attributes)

    def _node(self, operator: str, inputs: tuple[str, ...], output: str, attributes: dict[str, Any]) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], name=f"front_end/{output}", **attributes))
        return output
