// Package turns holds queues in memory in which accounts take turns.
package turns

import "iter"

// Rota is a queue in which accounts take turns.
type Rota[T any] struct {
	turns FIFO[string] // accounts that have something
	items map[string]*FIFO[T]
	size  int
}

// Len is how much all accounts have in it.
func (r *Rota[T]) Len() int { return r.size }

// Accounts are those that have something, in their turns.
func (r *Rota[T]) Accounts() iter.Seq[string] { return r.turns.All() }

// All is what an account has in it, in its order.
func (r *Rota[T]) All(account string) iter.Seq[T] {
	q := r.items[account]
	if q == nil {
		q = &FIFO[T]{}
	}
	return q.All()
}

// Has reports whether an account has something in it.
func (r *Rota[T]) Has(account string) bool { return r.items[account] != nil }

// Count is how much an account has in it.
func (r *Rota[T]) Count(account string) int {
	if q := r.items[account]; q != nil {
		return q.Len()
	}
	return 0
}

// Push puts v behind all others of its account.
func (r *Rota[T]) Push(account string, v T) { r.of(account).Push(v) }

// Unshift puts v before all others of its account.
func (r *Rota[T]) Unshift(account string, v T) { r.of(account).Unshift(v) }

// of is the account's queue, for one more.
func (r *Rota[T]) of(account string) *FIFO[T] {
	q := r.items[account]
	if q == nil {
		if r.items == nil {
			r.items = map[string]*FIFO[T]{}
		}
		q = &FIFO[T]{}
		r.items[account] = q
		r.turns.Push(account)
	}
	r.size++
	return q
}

// Pop takes the first of the account whose turn it is; there must be one.
func (r *Rota[T]) Pop() (account string, v T) {
	account, v, _ = r.PopIf(func(string) bool { return true })
	return account, v
}

// PopIf takes the first of the next account that may; ok is false when none may.
func (r *Rota[T]) PopIf(may func(account string) bool) (account string, v T, ok bool) {
	for range r.turns.Len() {
		account = r.turns.Pop()
		if !may(account) {
			r.turns.Push(account)
			continue
		}
		q := r.items[account]
		v = q.Pop()
		r.size--
		if q.Len() > 0 {
			r.turns.Push(account)
		} else {
			delete(r.items, account)
		}
		return account, v, true
	}
	return "", v, false
}

// PopOf takes the first of an account.
func (r *Rota[T]) PopOf(account string) (v T, ok bool) {
	if !r.Has(account) {
		return v, false
	}
	_, v, ok = r.PopIf(func(a string) bool { return a == account })
	return v, ok
}

// Take empties the rota.
func (r *Rota[T]) Take() []T {
	all := make([]T, 0, r.size)
	for r.size > 0 {
		_, v := r.Pop()
		all = append(all, v)
	}
	return all
}
