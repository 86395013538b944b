package mailer

// rota is a queue in which accounts take turns.
type rota[T any] struct {
	turns fifo[string] // accounts that have something
	items map[string]*fifo[T]
	size  int
}

func (r *rota[T]) len() int { return r.size }

func (r *rota[T]) has(account string) bool { return r.items[account] != nil }

// count is how much an account has in it.
func (r *rota[T]) count(account string) int {
	if q := r.items[account]; q != nil {
		return q.len()
	}
	return 0
}

func (r *rota[T]) push(account string, v T) { r.of(account).push(v) }

// unshift puts v before all others of its account.
func (r *rota[T]) unshift(account string, v T) { r.of(account).unshift(v) }

// of is the account's queue, for one more.
func (r *rota[T]) of(account string) *fifo[T] {
	q := r.items[account]
	if q == nil {
		if r.items == nil {
			r.items = map[string]*fifo[T]{}
		}
		q = &fifo[T]{}
		r.items[account] = q
		r.turns.push(account)
	}
	r.size++
	return q
}

// pop takes the first of the account whose turn it is; there must be one.
func (r *rota[T]) pop() (account string, v T) {
	account, v, _ = r.popIf(func(string) bool { return true })
	return account, v
}

// popIf takes the first of the next account that may; ok is false when none may.
func (r *rota[T]) popIf(may func(account string) bool) (account string, v T, ok bool) {
	for range r.turns.len() {
		account = r.turns.pop()
		if !may(account) {
			r.turns.push(account)
			continue
		}
		q := r.items[account]
		v = q.pop()
		r.size--
		if q.len() > 0 {
			r.turns.push(account)
		} else {
			delete(r.items, account)
		}
		return account, v, true
	}
	return "", v, false
}

// popOf takes the first of an account.
func (r *rota[T]) popOf(account string) (v T, ok bool) {
	if !r.has(account) {
		return v, false
	}
	_, v, ok = r.popIf(func(a string) bool { return a == account })
	return v, ok
}

// take empties the rota.
func (r *rota[T]) take() []T {
	all := make([]T, 0, r.size)
	for r.size > 0 {
		_, v := r.pop()
		all = append(all, v)
	}
	return all
}
