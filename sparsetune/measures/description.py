"""Description length: bits for the model and for the labels given the model.

The parts are kept, for papers differ in what they add. Source: L0-and-behold/efficient-compression, whose authors store
losses and non-zeros that such lengths are made of.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


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
    def total(self) -> float:
        return self.data + self.model


def description_length(
    samples: int, bits_per_sample: float, parameters: int, nonzeros: int, value_bits: int = 32
) -> DescriptionLength:
    """samples x bits a sample + log2 C(P, l0) + value_bits x l0: positions as one of all equally likely choices.

    Args:
        samples: that the model explains.
        bits_per_sample: of :func:`cross_entropy_bits` or :func:`gauss_bits`.
        parameters: P, of the whole network.
        nonzeros: l0, 0 to P.
        value_bits: for each non-zero.
    """
    chosen = log2_choose(parameters, nonzeros)
    return DescriptionLength(samples * bits_per_sample, chosen, float(value_bits * nonzeros))


def indexed_description_length(
    samples: int, bits_per_sample: float, parameters: int, nonzeros: int, value_bits: int = 32
) -> DescriptionLength:
    """samples x bits a sample + l0 (value_bits + ceil(log2 P)): each non-zero with its index; arguments as above."""
    index = (parameters - 1).bit_length()
    return DescriptionLength(samples * bits_per_sample, float(nonzeros * index), float(value_bits * nonzeros))


def cross_entropy_bits(nats: float) -> float:
    """Bits a sample of a loss in nats: nats / ln 2."""
    return nats / math.log(2)


def gauss_bits(mse: float, variance: float) -> float:
    """Bits for one predicted number under a normal distribution around the prediction.

    mse / (2 variance ln 2) + log2(variance) / 2 + log2(2 pi) / 2: of a density, so it may be negative, and another unit
    of the target gives another number.

    Args:
        mse: mean squared error over samples and outputs.
        variance: of that distribution, above 0; with the mse itself the bits are fewest.
    """
    return mse / (2 * variance * math.log(2)) + 0.5 * math.log2(2 * math.pi * variance)


def log2_choose(total: int, chosen: int) -> float:
    """log2 of the binomial coefficient, 0 to ``total``, through the gamma function: within 1e-14 total ln total."""
    nats = math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)
    return max(0.0, nats / math.log(2))
