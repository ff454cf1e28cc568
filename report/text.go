// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/auditsetup/auditsetup/tuning"
)

// number is a number to read, with its exact value for machines and, where the
// one to read was rounded, for people.
type number struct {
	// Name is where it stands in the JSON of a Result; empty for others.
	Name string
	// Text is to be read, such as "11.6 GiB". Raw is as JSON has it, without
	// quotes. Exact is empty or Raw with its unit and its digits in groups.
	Text, Raw, Exact string
}

// numberOf takes a value as tuning.Reason has it.
func numberOf(name string, value any, unit string) number {
	n := number{Name: name, Raw: fmt.Sprint(value)}
	var x float64
	switch v := value.(type) {
	case bool:
		n.Text = map[bool]string{true: "on", false: "off"}[v]
		return n
	case int:
		x = float64(v)
	case int64:
		if v == math.MaxInt64 {
			// how tuning says that nothing limits it
			n.Text = "no limit"
			return n
		}
		x = float64(v)
	case float64:
		x, n.Raw = v, strconv.FormatFloat(v, 'f', -1, 64)
	default:
		n.Text = n.Raw
		return n
	}
	n.Text = quantity(x, unit)
	if exact := joined(grouped(n.Raw), unit); exact != n.Text {
		n.Exact = exact
	}
	return n
}

// quantity is a number with its unit, short: three digits of bytes, the two
// largest units of a time, six digits of all else.
func quantity(x float64, unit string) string {
	switch unit {
	case "bytes":
		return tuning.FormatBytes(whole(x))
	case "bytes/s":
		return tuning.FormatBytes(whole(x)) + "/s"
	case "days":
		return quantity(x*86400, "s")
	case "s":
		if x > 0 && x < 1 {
			return six(x) + " s"
		}
		return tuning.FormatRetention(time.Duration(whole(min(x, 9e9) * 1e9)))
	}
	return joined(grouped(six(x)), unit)
}

func joined(number, unit string) string { return strings.TrimSpace(number + " " + unit) }

// whole rounds to what an int64 holds.
func whole(x float64) int64 {
	if x >= math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(math.Round(x))
}

// grouped sets a narrow space between each three digits before the point of a
// number from 10000 on, which reads the same in every language.
func grouped(digits string) string {
	if strings.Contains(digits, "e") {
		return digits
	}
	before, after, point := strings.Cut(digits, ".")
	sign := ""
	if strings.HasPrefix(before, "-") {
		sign, before = "-", before[1:]
	}
	if len(before) > 4 {
		var groups []string
		for len(before) > 3 {
			groups = append([]string{before[len(before)-3:]}, groups...)
			before = before[:len(before)-3]
		}
		before = strings.Join(append([]string{before}, groups...), "\u202f")
	}
	if point {
		return sign + before + "." + after
	}
	return sign + before
}

// sentence makes one of a clause as the rest of auditsetup prints it: with a
// capital and a stop.
func sentence(clause string) string {
	clause = heading(clause)
	if clause == "" || strings.HasSuffix(clause, ".") || strings.HasSuffix(clause, "!") || strings.HasSuffix(clause, "?") {
		return clause
	}
	return clause + "."
}

// heading is a clause with a capital, but for one that begins with a name such
// as "kube-apiserver" or "--retention".
func heading(clause string) string {
	clause = strings.TrimSpace(clause)
	first, _, _ := strings.Cut(clause, " ")
	first = strings.TrimRight(first, ",.:;?!")
	word := first != "" && strings.IndexFunc(first, func(r rune) bool { return !unicode.IsLower(r) && r != '\'' }) < 0
	if word {
		r, size := utf8.DecodeRuneInString(clause)
		clause = string(unicode.ToUpper(r)) + clause[size:]
	}
	return clause
}
