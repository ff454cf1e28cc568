// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Value is a number together with what makes it so.
type Value[T int | int64 | float64 | bool | time.Duration] struct {
	// Value is what goes into the flag or the report.
	Value T
	// Name is where the number stands in the JSON of a [Result], such as
	// "batch.maxSize".
	Name string
	// Flag is the flag of kube-apiserver that takes it, without dashes; empty
	// for a number that only informs.
	Flag string
	// Unit is what the number counts, such as "events/s"; empty for a switch.
	Unit string
	// Formula is the calculation with its figures put in, Reason why it is
	// done this way, Source where that can be read. None is ever empty.
	Formula, Reason, Source string
}

// MarshalJSON gives the bare number, a duration as text such as "1.5s": the
// rest of a Value stands in the "reasons" of the [Result].
func (v Value[T]) MarshalJSON() ([]byte, error) {
	return json.Marshal(v.plain())
}

func (v Value[T]) plain() any {
	if d, ok := any(v.Value).(time.Duration); ok {
		return d.String()
	}
	return v.Value
}

// text is the number as a flag takes it.
func (v Value[T]) text() string {
	switch x := any(v.Value).(type) {
	case time.Duration:
		return x.String()
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(x)
	case int:
		return strconv.Itoa(x)
	case int64:
		return strconv.FormatInt(x, 10)
	}
	return ""
}

func (v Value[T]) reason() Reason {
	return Reason{
		Name: v.Name, Flag: v.Flag, Value: v.plain(), Unit: v.Unit,
		Formula: v.Formula, Reason: v.Reason, Source: v.Source,
	}
}

func (v Value[T]) flag() Flag {
	return Flag{Name: v.Flag, Value: v.text(), Reason: v.Reason + ": " + v.Formula}
}

// byHand puts a number that was set by hand in the place of one that was
// calculated, unless it is 0.
func byHand[T int | float64](v Value[T], hand T) Value[T] {
	if hand == 0 {
		return v
	}
	return overruled(v, hand)
}

// overruled is byHand for a number that may be 0.
func overruled[T int | float64](v Value[T], hand T) Value[T] {
	v.Reason = fmt.Sprintf("set by hand, in place of the computed %s %s (%s)", num(float64(v.Value)), v.Unit, v.Formula)
	v.Value = hand
	v.Formula = fmt.Sprintf("%s=%s", setBy(v.Flag), num(float64(hand)))
	v.Source = sourceAsked
	return v
}

// value is any Value, so that a list can hold them.
type value interface {
	reason() Reason
	flag() Flag
}

// Reason is a [Value] for reading: see there for the fields.
type Reason struct {
	Name string `json:"name"`
	Flag string `json:"flag"`
	// Value is a number, a bool, or a duration as text.
	Value   any    `json:"value"`
	Unit    string `json:"unit"`
	Formula string `json:"formula"`
	Reason  string `json:"reason"`
	Source  string `json:"source"`
}

// Flag is one flag for the command line of kube-apiserver.
type Flag struct {
	// Name is without dashes, as in "audit-log-maxsize".
	Name string
	// Value is never empty.
	Value string
	// Reason is one line: why, and the formula.
	Reason string
}

// Warning is a wish that the numbers could not meet, or that they meet only
// on a condition.
type Warning struct {
	// About is the input it is about, such as "--retention".
	About string `json:"about"`
	// What says what will happen, Hint what would help. Neither is empty.
	What string `json:"what"`
	Hint string `json:"hint"`
}

// Products of decimal fractions end in the seventh digit or later with what
// the machine could not hold. Rounding up passes over that much, relative to
// the number, so that 1000.0001 is not made 1001; and over no more than a
// hundredth in any case, so that large numbers stay honest.
const (
	noise     = 1e-6
	noiseMost = 0.01
)

// ceil rounds up to a whole number, passing over float noise.
func ceil(x float64) float64 {
	return math.Ceil(x - math.Min(math.Abs(x)*noise, noiseMost))
}

// ceilTenth rounds up to a tenth, passing over float noise.
func ceilTenth(x float64) float64 {
	return ceil(x*10) / 10
}

// clean cuts a result to twelve digits, so that 0.1 × 3 is shown as 0.3.
func clean(x float64) float64 {
	y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 12, 64), 64)
	if err != nil {
		return x
	}
	return y
}

// milli rounds seconds to thousandths.
func milli(x float64) float64 { return clean(math.Round(x*1000) / 1000) }

// wholeInt64 cuts the fraction off x and holds it within int64. A NaN, which no checked
// load produces, becomes 0.
func wholeInt64(x float64) int64 {
	switch {
	case math.IsNaN(x):
		return 0
	case x >= math.MaxInt64:
		return math.MaxInt64
	}
	return int64(x)
}
