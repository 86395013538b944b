package act

import (
	"reflect"
	"strings"
)

var kindNames = map[string]Who{"operator": Operator, "reseller": Reseller, "customer": Customer, "key": Key}

// foreign fails with NotFound if a request sets a member that is not for the actor: one
// whose tag "who", such as `who:"operator,customer"`, leaves the actor's kind out, however
// deep it lies. Members without the tag are for everybody. The operator may set all.
func foreign(a Actor, in any) error {
	if a.Kind == Operator {
		return nil
	}
	return foreignIn(a, reflect.ValueOf(in).Elem())
}

func foreignIn(a Actor, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return foreignIn(a, v.Elem())
	case reflect.Slice, reflect.Array, reflect.Map:
		for _, one := range v.Seq2() {
			if err := foreignIn(a, one); err != nil {
				return err
			}
		}
	case reflect.Struct:
		return foreignMember(a, v)
	}
	return nil
}

func foreignMember(a Actor, v reflect.Value) error {
	for f, member := range v.Fields() {
		if !f.IsExported() && !f.Anonymous || member.IsZero() {
			continue
		}
		if who, ok := f.Tag.Lookup("who"); ok && namedKinds(who)&a.Kind == 0 {
			return NotFound
		}
		if err := foreignIn(a, member); err != nil {
			return err
		}
	}
	return nil
}

func namedKinds(tag string) (w Who) {
	for name := range strings.SplitSeq(tag, ",") {
		w |= kindNames[name]
	}
	return w
}
