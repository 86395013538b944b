package mail

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"relay/cli/term"
	"relay/report/api/act"
)

func TestBusyLines(t *testing.T) {
	many := []act.Holder{{Account: "acme", Connections: 375}, {Account: "shop", Connections: 94}, {Connections: 12}}
	for i := range 14 {
		many = append(many, act.Holder{Account: fmt.Sprint("account", i), Connections: 1})
	}
	for _, tt := range []struct {
		name string
		c    *act.Connections
		want []string
	}{
		{"not known", nil, nil},
		{"some are free and nobody waits", &act.Connections{Limit: 500, InUse: 375, Accounts: many[:1]}, nil},
		{"all in use", &act.Connections{Limit: 500, InUse: 500, Accounts: many, Waiting: []string{"b", "c"}}, []string{
			"all 500 connections to next hops are in use: acme has 375, shop has 94,",
			"relay's own mail has 12, 14 other accounts 14; mail waits of b, c"}},
		{"a share used up", &act.Connections{Limit: 500, InUse: 375, Accounts: many[:1], Waiting: []string{"acme"}}, []string{
			"375 of 500 connections to next hops are in use: acme has 375; mail waits of",
			"acme, beyond the share of an account"}},
		{"a single one", &act.Connections{Limit: 1, InUse: 1}, []string{
			"the only connection to next hops is in use: none carries mail at this moment"}},
		{"many wait", &act.Connections{Limit: 2, InUse: 2, Accounts: many[:1], Waiting: []string{"a", "b", "c", "d", "e"}}, []string{
			"all 2 connections to next hops are in use: acme has 375; mail waits of a, b,",
			"c, 2 other accounts"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := BusyLines(tt.c)
			if !slices.Equal(got, tt.want) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			for _, l := range got {
				if utf8.RuneCountInString(totalMark+l) > term.Columns {
					t.Errorf("wider than the screen: %s", l)
				}
			}
		})
	}
}
