"""The rows that ftadvise-engine trains on, made again in Python.

A text becomes one stream of tokens, cut into rows of equal length; each epoch takes
the rows in an order that follows from a seed, by the generator of Go's math/rand/v2
(PCG with DXSM output, Perm by Fisher and Yates). So both sides see the same batches.
"""

WORD = (1 << 64) - 1
MULTIPLIER = 2549297995355413924 << 64 | 4865540595714422341
INCREMENT = 6364136223846793005 << 64 | 1442695040888963407


class PCG:
    def __init__(self, seed, stream):
        self.state = (seed & WORD) << 64 | (stream & WORD)

    def next(self):
        self.state = (self.state * MULTIPLIER + INCREMENT) & (WORD << 64 | WORD)
        high, low = self.state >> 64, self.state & WORD
        high ^= high >> 32
        high = high * 0xDA942042E4DD58B5 & WORD
        high ^= high >> 48
        return high * (low | 1) & WORD

    def below(self, n):
        if n & (n - 1) == 0:
            return self.next() & (n - 1)
        product = self.next() * n
        if product & WORD < n:
            while product & WORD < (1 << 64) % n:
                product = self.next() * n
        return product >> 64


def order(rows, seed, epoch):
    generator, permutation = PCG(seed, epoch), list(range(rows))
    for i in range(rows - 1, 0, -1):
        j = generator.below(i + 1)
        permutation[i], permutation[j] = permutation[j], permutation[i]
    return permutation


def batches(rows, size, steps, seed=0):
    """The row numbers of each step, epoch after epoch."""
    taken = []
    epoch = 0
    while len(taken) < size * steps:
        taken += order(rows, seed, epoch)
        epoch += 1
    return [taken[i * size : (i + 1) * size] for i in range(steps)]


def tokens(model, text):
    """A text's tokens by the model folder's tokenizer.json."""
    import tokenizers  # here, so that the plan of a benchmark needs no packages

    tokenizer = tokenizers.Tokenizer.from_file(f"{model}/tokenizer.json")
    with open(text, encoding="utf-8") as file:
        return tokenizer.encode(file.read()).ids


def windows(ids, length):
    """Whole rows only, unless there is but one: the engine's bench does the same."""
    return [ids[i : i + length] for i in range(0, len(ids) - length + 1, length)]
