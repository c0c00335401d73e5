"""How many models agree on two points, for many pairs at once, never for all pairs at once."""

import torch
from torch import Tensor

# Pairs in one tile. A tile and its two companions have to stay in a CPU's second-level cache; a GPU wants
# enough pairs to fill all of it.
_CPU_TILE = (256, 4096)
_GPU_TILE = (4096, 16384)


def n_agree(first: Tensor, second: Tensor, out: Tensor | None = None, equal: Tensor | None = None) -> Tensor:
    """Count the models that agree on each pair of integers [n_models, p] and [n_models, q].

    Paper Section 4.2.1: n_agree(x, x'). The result is uint8 [p, q], int32 from 256 models on; so are ``out``
    and ``equal``, room for it and for one model's comparison.
    """
    n_models = len(first)
    if out is None:
        dtype = torch.uint8 if n_models < 256 else torch.int32
        out = torch.empty(first.shape[1], second.shape[1], dtype=dtype, device=first.device)
    if equal is None:
        equal = torch.empty_like(out)
    # Written straight as numbers: a comparison that yields booleans is far slower on a CPU.
    torch.eq(first[0, :, None], second[0], out=out)
    for m in range(1, n_models):
        torch.eq(first[m, :, None], second[m], out=equal)
        out += equal
    return out


def weight_in_agreement(rows: Tensor, targets: Tensor, weights: Tensor, threshold: int) -> Tensor:
    """For each row, the weight of the targets that at least ``threshold`` models see as it does.

    Exact for every weight; works through ``p * q`` pairs in tiles, so memory is O(p + q). It is fastest where
    q <= p.

    Parameters
    ----------
    rows : integer tensor [n_models, p]
    targets : integer tensor [n_models, q]
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
    """Split weights into digits, lowest first.

    Their float32 products are exact on every device and in every matmul precision (8 bits a factor, sums of
    up to 4,096 terms below 2**24).
    """
    largest = int(weights.max())
    n_digits = max(1, -(-largest.bit_length() // 8))
    return [((weights >> (8 * power)) & 255).float() for power in range(n_digits)]
