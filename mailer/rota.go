package mailer

// rota is a queue in which accounts take turns.
type rota[T any] struct {
	turns fifo[string] // accounts that have something
	items map[string]*fifo[T]
	size  int
}

func (r *rota[T]) len() int { return r.size }

func (r *rota[T]) push(account string, v T) {
	q := r.items[account]
	if q == nil {
		if r.items == nil {
			r.items = map[string]*fifo[T]{}
		}
		q = &fifo[T]{}
		r.items[account] = q
		r.turns.push(account)
	}
	q.push(v)
	r.size++
}

// pop takes the first of the account whose turn it is; there must be one.
func (r *rota[T]) pop() (account string, v T) {
	account = r.turns.pop()
	q := r.items[account]
	v = q.pop()
	r.size--
	if q.len() > 0 {
		r.turns.push(account)
	} else {
		delete(r.items, account)
	}
	return account, v
}
