"""How large a network is: bytes, estimated from its non-zeros (no file is written), and the bits of a description.

Each size is of everything that prediction needs: the prunable weights in the format's own way, and beside them what is
never pruned (biases, BatchNorm's parameters and running statistics) as it is in memory.

A description's length is bits for the model and for the labels given the model. The parts are kept, for papers differ
in what they add. Source: L0-and-behold/efficient-compression, whose authors store losses and non-zeros that such
lengths are made of.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import nn

from sparsetune.measures.density import Remains

_SEED_BITS = 64
_VALUE_BITS = 32  # of a non-zero in a description
GAUSS_CONSTANT = 0.5 * math.log2(2 * math.pi)  # bits that a normal density has whatever its variance
_SMALL = 2**31  # from here on indices want 64 bits, as in scipy


@dataclass(frozen=True)
class Matrix:
    """A prunable tensor as (out, all that goes into one unit): a convolution is (out, in x height x width).

    Attributes:
        rows: first dimension.
        columns: product of the others.
        nonzeros: kept values, 0 to rows x columns.
        itemsize: bytes of a value.
    """

    rows: int
    columns: int
    nonzeros: int
    itemsize: int = 4

    @property
    def size(self) -> int:
        return self.rows * self.columns

    @property
    def csr_bytes(self) -> int:
        """Compressed sparse rows: a value and a column for each non-zero, rows + 1 offsets.

        Columns and offsets are 32-bit integers, 64-bit where the non-zeros or the columns reach 2^31.
        """
        index = 8 if max(self.nonzeros, self.columns) >= _SMALL else 4
        return self.nonzeros * (self.itemsize + index) + (self.rows + 1) * index


@dataclass(frozen=True)
class Sizes:
    """Of a network, in bytes; parts of a byte count whole.

    Attributes:
        matrices: the prunable weights.
        rest_bytes: of all else, never pruned.
        rest_values: numbers in it that a seed does not give: trained parameters, running statistics.
    """

    matrices: tuple[Matrix, ...]
    rest_bytes: int
    rest_values: int

    @property
    def prunable(self) -> int:
        """Prunable weights."""
        return sum(matrix.size for matrix in self.matrices)

    @property
    def kept(self) -> int:
        """Non-zeros of the prunable weights."""
        return sum(matrix.nonzeros for matrix in self.matrices)

    @property
    def dense(self) -> int:
        """Every value as it is in memory: 4 bytes for a float32."""
        return sum(matrix.size * matrix.itemsize for matrix in self.matrices) + self.rest_bytes

    @property
    def bitmask(self) -> int:
        """A bit for each prunable weight, and the values of those that are kept."""
        return math.ceil(self.prunable / 8) + self._values + self.rest_bytes

    @property
    def csr(self) -> int:
        """Compressed sparse rows with the indices of :attr:`Matrix.csr_bytes`."""
        return sum(matrix.csr_bytes for matrix in self.matrices) + self.rest_bytes

    @property
    def entropy(self) -> int:
        """The mask's entropy bound n H2(d) bits, and the values of what is kept."""
        return math.ceil(entropy_bits(self.prunable, self.kept) / 8) + self._values + self.rest_bytes

    @property
    def seed_mask(self) -> int:
        """Of weights drawn from a seed and never trained: 64 + prunable + 32 x other values, in bits."""
        return math.ceil((_SEED_BITS + self.prunable + 32 * self.rest_values) / 8)

    @property
    def _values(self) -> int:
        return sum(matrix.nonzeros * matrix.itemsize for matrix in self.matrices)


def sizes(network: nn.Module, counted: Remains) -> Sizes:
    """The facts that all sizes follow from.

    Args:
        counted: of the same network.
    """
    parameters = dict(network.named_parameters())
    prunable = [parameters.pop(name) for name in counted.prunable]
    matrices = tuple(
        Matrix(len(weight), weight[0].numel(), counted.nonzeros[name], weight.dtype.itemsize)
        for name, weight in zip(counted.prunable, prunable, strict=True)
    )
    stored = network.state_dict(keep_vars=True)
    statistics = [buffer for name, buffer in network.named_buffers() if name in stored and buffer.is_floating_point()]
    rest = [*parameters.values(), *statistics]
    moved = [*(parameter for parameter in parameters.values() if parameter.requires_grad), *statistics]
    return Sizes(matrices, sum(tensor.nbytes for tensor in rest), sum(tensor.numel() for tensor in moved))


def entropy_bits(values: int, kept: int) -> float:
    """n H2(d) bits, H2(d) = -d log2 d - (1 - d) log2 (1 - d), d = kept / n: 0 to n, 0 where d is 0 or 1.

    No code for masks of that density, whichever weights are kept, needs fewer bits a mask on average.
    """
    if kept in (0, values):
        return 0.0
    density = kept / values
    return -values * (density * math.log2(density) + (1 - density) * math.log2(1 - density))


@dataclass(frozen=True)
class DescriptionLength:
    """In bits.

    Attributes:
        data: samples x bits a sample.
        positions: which parameters are not zero.
        values: of those.
    """

    data: float
    positions: float
    values: float

    @property
    def model(self) -> float:
        return self.positions + self.values

    @property
    def of_seed(self) -> float:
        """Of the model where all values follow from a seed: positions and 64 bits."""
        return self.positions + _SEED_BITS

    @property
    def total(self) -> float:
        return self.data + self.model


def description_length(samples: int, bits_per_sample: float, parameters: int, nonzeros: int) -> DescriptionLength:
    """samples x bits a sample + log2 C(P, l0) + 32 l0: positions as one of all equally likely choices.

    Args:
        samples: that the model explains.
        bits_per_sample: of :func:`cross_entropy_bits` or :func:`gauss_bits`.
        parameters: P, of the whole network.
        nonzeros: l0, 0 to P.
    """
    chosen = log2_choose(parameters, nonzeros)
    return DescriptionLength(samples * bits_per_sample, chosen, float(_VALUE_BITS * nonzeros))


def cross_entropy_bits(nats: float) -> float:
    """Bits a sample of a loss in nats: nats / ln 2."""
    return nats / math.log(2)


def gauss_bits(mse: float, variance: float) -> float:
    """Bits for one predicted number under a normal distribution around the prediction: ``gauss_loss`` + log2(2 pi) / 2.

    Of a density, so they may be negative, and another unit of the target gives another number.

    Args:
        mse: mean squared error over samples and outputs.
        variance: of that distribution, above 0; with the mse itself the bits are fewest.
    """
    return gauss_loss(mse, variance) + GAUSS_CONSTANT


def gauss_loss(mse: float, variance: float) -> float:
    """mse / (2 variance ln 2) + log2(variance) / 2; infinite where the variance is 0."""
    if not variance:
        return math.inf
    return mse / (2 * variance * math.log(2)) + 0.5 * math.log2(variance)


def gauss_error(loss: float, variance: float) -> float:
    """The mse, at least 0, of which ``gauss_loss`` is that; NaN of NaN."""
    if not variance:
        return math.inf
    return max((loss - 0.5 * math.log2(variance)) * 2 * variance * math.log(2), 0.0)  # in this order for NaN


def log2_choose(total: int, chosen: int) -> float:
    """log2 of the binomial coefficient, 0 to ``total``, through the gamma function: within 1e-14 total ln total."""
    nats = math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)
    return max(0.0, nats / math.log(2))
