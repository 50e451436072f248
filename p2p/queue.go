package p2p

import (
	"context"
	"sync"
)

// queue is a list that is put to from anywhere without waiting and taken from by one goroutine. It has no limit of its own:
// what is put here is bounded by the limits on what the machine asks for.
type queue[T any] struct {
	mu    sync.Mutex
	items []T
	wake  chan struct{} // holds one token while there are items
}

func newQueue[T any]() *queue[T] { return &queue[T]{wake: make(chan struct{}, 1)} }

func (q *queue[T]) put(item T) {
	q.mu.Lock()
	q.items = append(q.items, item)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue[T]) take() []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	items := q.items
	q.items = nil
	return items
}

// runJobs runs queued functions one after another until ctx ends.
func runJobs(ctx context.Context, q *queue[func()]) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-q.wake:
		}
		for _, run := range q.take() {
			if ctx.Err() != nil {
				return
			}
			run()
		}
	}
}
