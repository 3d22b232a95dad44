package packfile

import "math/rand/v2"

// Order is the order in which an epoch takes the rows: a permutation that depends
// on the seed and the epoch alone, so that all arms see the same batches.
func Order(rows int, seed int64, epoch int) []int {
	return rand.New(rand.NewPCG(uint64(seed), uint64(epoch))).Perm(rows)
}
