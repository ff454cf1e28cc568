// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"errors"
	"strconv"
	"time"

	"github.com/auditsetup/auditsetup/document"
)

// unreadable says what is wrong with a value of a flag type, as in "not a whole
// number", and "" when it can be read.
func unreadable(typ, value string) string {
	var err error
	what := ""
	switch typ {
	case "int", "int64":
		// Base 0 as upstream has it: 0x10 and 1_000 are numbers too.
		_, err = strconv.ParseInt(value, 0, 64)
		what = "not a whole number"
	case "float32":
		_, err = strconv.ParseFloat(value, 32)
		what = "not a number"
	case "bool":
		_, err = strconv.ParseBool(value)
		what = "neither true nor false"
	case "duration":
		_, err = time.ParseDuration(value)
		what = "not a duration"
	}
	switch {
	case err == nil:
		return ""
	case errors.Is(err, strconv.ErrRange):
		return "out of range"
	}
	return what
}

// typeHint shows a value that can be read.
func typeHint(typ string) string {
	switch typ {
	case "int", "int64":
		return "write a number such as 100, without a unit"
	case "float32":
		return "write a number such as 10 or 0.5"
	case "bool":
		return "write true or false"
	}
	return "write a number with a unit, such as 30s or 500ms"
}

// number returns the value of an int or int64 flag. Like the other getters it
// says false when the value cannot be read.
func (c *checker) number(name string) (int64, bool) {
	n, err := strconv.ParseInt(c.text(name), 0, 64)
	return n, err == nil
}

// float returns the value of a float32 flag. Upstream rounds to 32 bits, by
// which a tiny value becomes 0.
func (c *checker) float(name string) (float32, bool) {
	x, err := strconv.ParseFloat(c.text(name), 32)
	return float32(x), err == nil
}

// isTrue reports whether a bool flag is on; an unreadable one is not.
func (c *checker) isTrue(name string) bool {
	on, _ := strconv.ParseBool(c.text(name))
	return on
}

func (c *checker) duration(name string) (time.Duration, bool) {
	d, err := time.ParseDuration(c.text(name))
	return d, err == nil
}

// nearest returns the flag of v that name is most likely a slip for, "" when
// none is near.
func nearest(name string, v Version) string {
	best, least := "", 4
	for _, f := range Flags() {
		if d := document.Distance(name, f.Name); f.In(v) && d < least {
			best, least = f.Name, d
		}
	}
	return best
}
