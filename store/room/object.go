package room

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"sync"
	"time"

	json "github.com/go-json-experiment/json/v1"
)

// Writer is a record that writes its own fields. Records that are stored for each message do: to find
// the fields by reflection is a good part of what a message costs. The octets are those that
// json.Marshal makes, which a test of each Writer proves (roomtest.Fill makes its values).
type Writer interface{ WriteFields(o *Object) }

// Object is a JSON object that is being written. Its methods append a field each. Those that begin with
// Opt leave out a zero, as omitempty and omitzero do.
type Object struct {
	b     []byte
	fault bool // something cannot be written; json.Marshal says why
}

var objects = sync.Pool{New: func() any { return &Object{b: make([]byte, 0, 4096)} }}

// encode is the record of w; nil: json.Marshal must write it.
func encode(w Writer) []byte {
	o := objects.Get().(*Object)
	defer objects.Put(o)
	o.b, o.fault = o.b[:0], false
	o.object(w)
	if o.fault {
		return nil
	}
	return bytes.Clone(o.b)
}

func (o *Object) object(w Writer) {
	o.b = append(o.b, '{')
	w.WriteFields(o)
	o.b = append(o.b, '}')
}

func (o *Object) name(name string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(append(append(o.b, '"'), name...), '"', ':')
}

// Array appends n objects.
func (o *Object) Array(name string, n int, at func(i int) Writer) {
	o.name(name)
	o.b = append(o.b, '[')
	for i := range n {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.object(at(i))
	}
	o.b = append(o.b, ']')
}

const hexDigits = "0123456789abcdef"

// Text appends a text. Characters that HTML knows are escaped, as in json.Marshal; what else needs an
// escape, or may be no UTF-8, json.Marshal writes itself.
func (o *Object) Text(name, s string) {
	o.name(name)
	begin, from := len(o.b), 0
	o.b = append(o.b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '<' || c == '>' || c == '&':
			o.b = append(append(o.b, s[from:i]...), '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			from = i + 1
		case c < ' ' || c == '"' || c == '\\' || c >= 0x7f:
			o.b = o.b[:begin]
			o.value(s)
			return
		}
	}
	o.b = append(append(o.b, s[from:]...), '"')
}

// OptText appends a text.
func (o *Object) OptText(name, s string) {
	if s != "" {
		o.Text(name, s)
	}
}

// Plain appends a text that needs no escapes.
func (o *Object) Plain(name string, text []byte) {
	o.name(name)
	o.b = append(append(append(o.b, '"'), text...), '"')
}

// Int appends a number.
func (o *Object) Int(name string, n int64) {
	o.name(name)
	o.b = strconv.AppendInt(o.b, n, 10)
}

// OptInt appends a number.
func (o *Object) OptInt(name string, n int64) {
	if n != 0 {
		o.Int(name, n)
	}
}

// OptTrue appends what is true.
func (o *Object) OptTrue(name string, is bool) {
	if is {
		o.name(name)
		o.b = append(o.b, "true"...)
	}
}

// Time appends an instant.
func (o *Object) Time(name string, t time.Time) {
	o.name(name)
	b, err := t.AppendText(append(o.b, '"'))
	o.fault = o.fault || err != nil
	o.b = append(b, '"')
}

// OptTime appends an instant.
func (o *Object) OptTime(name string, t time.Time) {
	if !t.IsZero() {
		o.Time(name, t)
	}
}

// OptOctets appends octets in base64.
func (o *Object) OptOctets(name string, octets []byte) {
	if len(octets) > 0 {
		o.name(name)
		o.b = append(base64.StdEncoding.AppendEncode(append(o.b, '"'), octets), '"')
	}
}

// Value appends whatever there is, by json.Marshal, which takes longer.
func (o *Object) Value(name string, v any) {
	o.name(name)
	o.value(v)
}

func (o *Object) value(v any) {
	raw, err := json.Marshal(v)
	o.fault = o.fault || err != nil
	o.b = append(o.b, raw...)
}
