package tell

import (
	"relay/store/access"
	"relay/store/news"
	"relay/store/people"
)

// access is what there is to tell of logins that were used or held.
func (w *Writer) access(v *View, n *news.Item) {
	switch n.Kind {
	case news.LoginHeld:
		v.Held = heldLogin(n)
	case news.Access, news.AccessDaily:
		v.AccessMore = int64(n.Step)
		for _, a := range n.Access {
			v.Access = append(v.Access, NewAccess{a.Login, w.in(a.At), access.NetworkText(a.Address), access.NetworkText(a.Network), a.Program, a.New})
		}
	}
}

// heldLogin is what there is to tell of a login that was held.
func heldLogin(n *news.Item) HeldLogin {
	h := HeldLogin{Login: n.About, Stolen: n.Reason == string(people.HeldByRelay)}
	if s := n.Signs; s != nil {
		h.Network, h.Failed, h.Recipients, h.First = s.Network, int64(s.Failed), s.Recipients, s.First
	}
	return h
}
