package roomtest

import (
	"math"
	"reflect"
	"testing"
	"time"

	json "github.com/go-json-experiment/json/v1"
	"pgregory.net/rapid"

	"relay/store/bucket"
	"relay/store/room"
)

// Fill sets every field that v points to and that is stored to something, at random. Fields that are
// added later are among them.
func Fill(t *rapid.T, v any) { fill(t, reflect.ValueOf(v).Elem()) }

func fill(t *rapid.T, v reflect.Value) {
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		*p = Time(t)
		return
	case *[]byte:
		if rapid.Bool().Draw(t, "octets") {
			*p = rapid.SliceOfN(rapid.Byte(), 1, 3).Draw(t, "of")
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(t, v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(0, 2).Draw(t, "length"), 2))
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "there") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem())
		}
	case reflect.String:
		v.SetString(rapid.SampledFrom([]string{"", "text", "<&>\u2028", `\ufffd`, "\uFFFD", "\xff", "a\xc3", "ü"}).Draw(t, "text"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "flag"))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.SampledFrom([]int64{0, 1, -1, math.MaxInt64}).Draw(t, "number"))
	case reflect.Uint8:
		v.SetUint(uint64(rapid.Byte().Draw(t, "octet")))
	default:
		t.Fatalf("no test of a field of type %s", v.Type())
	}
}

// Time is some instant as a program has them: in any zone, perhaps with a reading of the monotonic clock.
func Time(t *rapid.T) time.Time {
	now := time.Now()
	return rapid.SampledFrom([]time.Time{{}, now, now.UTC(), Begin.Add(time.Nanosecond), now.In(time.FixedZone("there", 3600))}).Draw(t, "time")
}

// Written proves that values of a Writer, which made makes empty, are written as json.Marshal does.
func Written(t *testing.T, made func() room.Writer) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		w := made()
		Fill(t, w)
		got, err := room.Encode(bucket.Meta, nil, w)
		if want, e := json.Marshal(w); string(got) != string(want) || err != nil || e != nil {
			t.Fatalf("written %s, %v\nwant %s, %v", got, err, want, e)
		}
	})
}
