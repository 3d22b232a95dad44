package tokenizer

import "container/heap"

// fewSymbols is where the queue begins to pay: below it, looking through all pairs
// again after each merge is faster.
const fewSymbols = 24

// mergeFew merges in place and returns how many ids are left.
func (b *bpe) mergeFew(ids []int32) int {
	n := len(ids)
	for n > 1 {
		best, at := merge{rank: -1}, -1
		for i := range n - 1 {
			m, ok := b.merges[pair(ids[i], ids[i+1])]
			if ok && (at < 0 || m.rank < best.rank) {
				best, at = m, i
			}
		}
		if at < 0 {
			break
		}
		ids[at] = best.id
		n--
		copy(ids[at+1:n], ids[at+2:n+1])
	}
	return n
}

// symbol is a link of the list in which mergeMany keeps a word.
type symbol struct{ id, prev, next int32 }

const gone = -1 // id of a symbol merged into the one before it

// candidate is a merge that was possible when it was queued. It is dropped on
// its turn if a symbol has changed since.
type candidate struct{ rank, at, id int32 }

type queue []candidate

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].rank < q[j].rank || q[i].rank == q[j].rank && q[i].at < q[j].at
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(candidate)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// mergeMany merges a long word in n log n: a linked list of symbols and a queue of
// candidates by rank, then place.
func (b *bpe) mergeMany(out, ids []int32) []int32 {
	list := make([]symbol, len(ids))
	for i, id := range ids {
		list[i] = symbol{id, int32(i - 1), int32(i + 1)}
	}
	list[len(list)-1].next = -1
	q := make(queue, 0, len(ids))
	for i := range len(list) - 1 {
		if m, ok := b.merges[pair(list[i].id, list[i+1].id)]; ok {
			q = append(q, candidate{m.rank, int32(i), m.id})
		}
	}
	heap.Init(&q)
	for q.Len() > 0 {
		b.apply(heap.Pop(&q).(candidate), list, &q)
	}
	for at := int32(0); at >= 0; at = list[at].next {
		out = append(out, list[at].id)
	}
	return out
}

func (b *bpe) apply(c candidate, list []symbol, q *queue) {
	left := &list[c.at]
	if left.id == gone || left.next < 0 {
		return
	}
	right := &list[left.next]
	if m, ok := b.merges[pair(left.id, right.id)]; !ok || m.id != c.id {
		return
	}
	left.id, right.id = c.id, gone
	left.next = right.next
	if left.next >= 0 {
		list[left.next].prev = c.at
		b.enqueue(q, list, c.at)
	}
	if left.prev >= 0 {
		b.enqueue(q, list, left.prev)
	}
}

func (b *bpe) enqueue(q *queue, list []symbol, at int32) {
	if m, ok := b.merges[pair(list[at].id, list[list[at].next].id)]; ok {
		heap.Push(q, candidate{m.rank, at, m.id})
	}
}
