"""All numbers of a network as a trial leaves it, by their names in the table of metrics."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from torch import Tensor, nn

from sparsetune.config.metrics import LAYER_DENSITY
from sparsetune.measures.density import remains
from sparsetune.measures.macs import Work
from sparsetune.measures.size import description_length, sizes
from sparsetune.sparsity.metrics import SEED_MASK


def network_numbers(
    network: nn.Module,
    prunable: Collection[str],
    work: Work,
    *,
    masks: Mapping[str, Tensor] | None = None,
    parameters: Mapping[str, int] | None = None,
    first_dropout: str | None = None,
    mc_samples: int = 1,
    samples: int,
    bits_per_sample: float,
    drawn: bool = False,
) -> dict[str, float]:
    """Non-zeros, whole and by layer, operations, bytes and description length; the device is waited for once.

    Args:
        prunable: names of parameters that pruning may remove.
        work: of a network of this shape.
        masks: by name of a parameter, True where it is kept; else what is not zero is kept.
        parameters: sizes by name before any neuron was deleted; else as they are.
        first_dropout: the first module whose output is dropped in predictions, if any is.
        mc_samples: predictions that are averaged.
        samples: that the description length is of.
        bits_per_sample: what their targets cost with this model.
        drawn: all values are as a seed drew them.
    """
    counted = remains(network, prunable, masks, sizes=parameters)
    size = sizes(network, counted)
    length = description_length(samples, bits_per_sample, counted.parameters, counted.kept)
    macs, dense_macs = work.macs(counted.nonzeros), work.dense
    return {
        "density": counted.density,
        "sparsity": 1 - counted.density,
        "nonzeros": counted.kept,
        "parameters": counted.parameters,
        "compression_ratio": counted.compression_ratio,
        "dense_macs": dense_macs,
        "macs": macs,
        "flops": 2 * macs,
        "dense_flops": 2 * dense_macs,
        "mc_macs": work.monte_carlo(counted.nonzeros, first_dropout, mc_samples),
        "bytes_dense": size.dense,
        "bytes_bitmask": size.bitmask,
        "bytes_csr": size.csr,
        "bytes_entropy": size.entropy,
        SEED_MASK.name: size.seed_mask,
        "description_length_bits": length.total,
        "description_data_bits": length.data,
        "description_model_bits": length.model,
        "model_bits": length.of_seed if drawn else length.model,
        **{f"{LAYER_DENSITY}/{name}": density for name, density in counted.density_by_layer.items()},
    }
