package main

import (
	"fmt"
	"reflect"
	"time"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// depth is how far inside of a message fields are set. What is deeper has lines of its own.
const depth = 1

// A filler sets every field that protobuf has, to values that differ from each other.
type filler struct {
	// zero sets pointers, and what they point to stays zero.
	zero  bool
	count int64
}

func (f *filler) next() int64 {
	f.count++
	return f.count
}

// most is how long something may be.
func (f *filler) most(length int) int {
	if f.zero {
		return 0
	}
	return length
}

func (f *filler) fill(value reflect.Value, level int) {
	if f.special(value) {
		return
	}
	switch value.Kind() {
	case reflect.Struct:
		for i := range value.NumField() {
			if _, onWire := value.Type().Field(i).Tag.Lookup("protobuf"); onWire {
				f.field(value.Field(i), level)
			}
		}
	case reflect.String:
		value.SetString(fmt.Sprintf("text %d é", f.next()))
	case reflect.Bool:
		value.SetBool(true)
	case reflect.Int32:
		value.SetInt(f.next() * -7)
	case reflect.Int64:
		// More than 32 bits, of either sign.
		number := f.next()
		value.SetInt(number * (1<<33 + 1) * (1 - 2*(number%2)))
	default:
		fail("%s is not known", value.Type())
	}
}

// field fills a field, unless it is a message that is too deep.
func (f *filler) field(value reflect.Value, level int) {
	inner := value.Type()
	for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice || inner.Kind() == reflect.Map {
		inner = inner.Elem()
	}
	deep := inner.Kind() == reflect.Struct && !isSpecial(inner) && level >= depth
	switch value.Kind() {
	case reflect.Pointer:
		if deep {
			return
		}
		value.Set(reflect.New(value.Type().Elem()))
		if !f.zero {
			f.fill(value.Elem(), level+1)
		}
	case reflect.Slice:
		if value.Type().Elem().Kind() == reflect.Uint8 {
			value.SetBytes([]byte{0, 0xff, byte(f.next())}[:f.most(3)])
			return
		}
		if f.zero || deep {
			return
		}
		value.Set(reflect.MakeSlice(value.Type(), 2, 2))
		for i := range value.Len() {
			f.element(value.Index(i), level+1)
		}
	case reflect.Map:
		if f.zero || deep {
			return
		}
		value.Set(reflect.MakeMap(value.Type()))
		// One key: some types write several in another order each time.
		element := reflect.New(value.Type().Elem()).Elem()
		f.element(element, level+1)
		value.SetMapIndex(reflect.ValueOf(fmt.Sprintf("a.b/key-%d", f.next())), element)
	default:
		if f.zero || deep {
			return
		}
		if inner.Kind() == reflect.Struct {
			level++
		}
		f.fill(value, level)
	}
}

func (f *filler) element(value reflect.Value, level int) {
	if value.Kind() == reflect.Pointer {
		value.Set(reflect.New(value.Type().Elem()))
		value = value.Elem()
	}
	f.fill(value, level)
}

var specials = []any{
	meta.Time{}, meta.MicroTime{}, meta.FieldsV1{}, intstr.IntOrString{}, runtime.RawExtension{}, apiextensions.JSON{},
}

func isSpecial(given reflect.Type) bool {
	for _, special := range specials {
		if reflect.TypeOf(special) == given {
			return true
		}
	}
	return false
}

// special fills a type that has a JSON form of its own.
func (f *filler) special(value reflect.Value) bool {
	if !isSpecial(value.Type()) {
		return false
	}
	raw := func() []byte { return fmt.Appendf(nil, `{"f:any":{".":{},"list":[1,null,%d.5]}}`, f.next()) }
	switch special := value.Addr().Interface().(type) {
	case *meta.Time:
		*special = meta.Unix(1_700_000_000+f.next(), 999_999_999)
	case *meta.MicroTime:
		*special = meta.NewMicroTime(time.Unix(1_700_000_000, 123_456_000+f.next()))
	case *meta.FieldsV1:
		special.Raw = raw()
	case *runtime.RawExtension:
		special.Raw = raw()
	case *apiextensions.JSON:
		special.Raw = raw()
	case *intstr.IntOrString:
		if *special = intstr.FromInt32(int32(f.next())); special.IntVal%2 == 0 {
			*special = intstr.FromString(fmt.Sprintf("%d%%", special.IntVal))
		}
	}
	return true
}
