"""n_agree(x, x') of paper Section 4.2.1, for many pairs at once, but never for all pairs at once."""

import torch
from torch import Tensor

# Shape of a tile of pairs. The three buffers of a tile have to fit into a CPU's second-level cache; a GPU
# needs enough pairs to keep all of it busy.
_CPU_TILE = (256, 4096)
_GPU_TILE = (4096, 16384)


def n_agree(first: Tensor, second: Tensor, out: Tensor | None = None, equal: Tensor | None = None) -> Tensor:
    """Compute n_agree(x, x') for p * q pairs: the number of models that predict the same output for both.

    ``first`` and ``second`` are integer predictions [n_models, p] and [n_models, q]. The result is uint8 [p,
    q], or int32 from 256 models on. ``out`` and ``equal`` are optional buffers of this shape and dtype, for
    the result and for the comparison in one model.
    """
    n_models = len(first)
    if out is None:
        dtype = torch.uint8 if n_models < 256 else torch.int32
        out = torch.empty(first.shape[1], second.shape[1], dtype=dtype, device=first.device)
    if equal is None:
        equal = torch.empty_like(out)
    # Written directly as integers: a comparison that returns booleans is far slower on a CPU.
    torch.eq(first[0, :, None], second[0], out=out)
    for m in range(1, n_models):
        torch.eq(first[m, :, None], second[m], out=equal)
        out += equal
    return out


def agreeing_weight(rows: Tensor, targets: Tensor, weights: Tensor, threshold: int) -> Tensor:
    """Compute, for each row, the total weight of the targets with n_agree(row, target) >= threshold.

    The sums are exact for all weights. The ``p * q`` pairs are processed in tiles, so memory is O(p + q). It
    is fastest if q <= p.

    Parameters
    ----------
    rows : integer tensor [n_models, p], predictions
    targets : integer tensor [n_models, q], predictions
    weights : int64 tensor [q], >= 0

    Returns
    -------
    int64 tensor [p]
    """
    n_models, p = rows.shape
    q = targets.shape[1]
    total = torch.zeros(p, dtype=torch.int64, device=rows.device)
    if p == 0 or q == 0:
        return total
    height, width = _CPU_TILE if rows.device.type == "cpu" else _GPU_TILE
    width = min(p, width * height // min(q, height))
    height = min(q, height)
    agree = torch.empty(
        height, width, dtype=torch.uint8 if n_models < 256 else torch.int32, device=rows.device
    )
    equal = torch.empty_like(agree)
    edge = torch.empty(height, width, dtype=torch.float32, device=rows.device)

    # Autocast would round the sums.
    with torch.autocast(rows.device.type, enabled=False):
        for i in range(0, q, height):
            block = targets[:, i : i + height]
            digits = _base_256(weights[i : i + height])
            for j in range(0, p, width):
                part = rows[:, j : j + width]
                tile = (slice(block.shape[1]), slice(part.shape[1]))
                torch.ge(n_agree(block, part, agree[tile], equal[tile]), threshold, out=edge[tile])
                for power, digit in enumerate(digits):
                    total[j : j + width] += (digit @ edge[tile]).long() * 256**power
    return total


def _base_256(weights: Tensor) -> list[Tensor]:
    """Split weights into base-256 digits as float32, lowest first.

    Matrix products of the digits with 0 and 1 are exact on every device and in every matmul precision: a
    digit has 8 bits, and the sums of up to 4,096 terms are below 2**24.
    """
    largest = int(weights.max())
    n_digits = max(1, -(-largest.bit_length() // 8))
    return [((weights >> (8 * power)) & 255).float() for power in range(n_digits)]
