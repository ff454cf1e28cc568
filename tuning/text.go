// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
)

const retentionHelp = "write a number with w, d, h, m or s, such as 30d, 12h, 2w or 1d12h"

// ParseRetention reads how far back a log should reach: numbers with the units
// w (7 days), d (24 hours), h, m and s, added up, as in "30d", "1.5d" or
// "1d12h". There is no unit for a month or a year. An error says what is
// accepted and names no flag.
func ParseRetention(s string) (time.Duration, error) {
	rest := strings.TrimSpace(s)
	if rest == "" {
		return 0, errors.New("empty: " + retentionHelp)
	}
	if rest[0] == '-' {
		return 0, fmt.Errorf("%q is negative: %s", s, retentionHelp)
	}
	units := map[string]time.Duration{"w": 7 * day, "d": day, "h": time.Hour, "m": time.Minute, "s": time.Second}
	var sum float64
	for rest != "" {
		number, unit, tail := cutTerm(rest)
		rest = tail
		n, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return 0, fmt.Errorf("%q is no duration: %s", s, retentionHelp)
		}
		length, ok := units[unit]
		if !ok && unit == "" {
			return 0, fmt.Errorf("%q has no unit: %s", s, retentionHelp)
		}
		if !ok {
			return 0, fmt.Errorf("%q has the unknown unit %q: %s", s, unit, retentionHelp)
		}
		sum += n * float64(length)
	}
	if sum >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is longer than 292 years", s)
	}
	return time.Duration(math.Round(sum)), nil
}

// cutTerm cuts the first number and its unit off s. Digits and one kind of
// point only: no sign, exponent, hexadecimal, Inf or NaN.
func cutTerm(s string) (number, unit, rest string) {
	digit := func(r rune) bool { return r >= '0' && r <= '9' || r == '.' }
	end := strings.IndexFunc(s, func(r rune) bool { return !digit(r) })
	if end < 0 {
		return s, "", ""
	}
	number, s = s[:end], s[end:]
	end = strings.IndexFunc(s, digit)
	if end < 0 {
		end = len(s)
	}
	return number, s[:end], s[end:]
}

const bytesHelp = "write a number with Ki, Mi, Gi, Ti or Pi (powers of 1024), with k, M, G, T or P (powers of 1000), or with none, such as 20Gi"

// ParseBytes reads a size in bytes: a number, whole or with decimals, and one of the suffixes
// Ki, Mi, Gi, Ti, Pi, Ei (powers of 1024) or k, M, G, T, P, E (powers of 1000),
// as in Kubernetes quantities. "K" means k, and a "B" may follow, as in
// "1.5GiB". Kubernetes' "m" (a thousandth) and exponents are refused. Fractions
// of a byte are rounded up. An error says what is accepted and names no flag.
func ParseBytes(s string) (int64, error) {
	rest := strings.TrimSpace(s)
	if rest == "" {
		return 0, errors.New("empty: " + bytesHelp)
	}
	if rest[0] == '-' {
		return 0, fmt.Errorf("%q is negative: %s", s, bytesHelp)
	}
	number, unit, tail := cutTerm(rest)
	sum, ok := new(big.Rat).SetString(number)
	if !ok || tail != "" || len(number) > 40 {
		return 0, fmt.Errorf("%q is no size: %s", s, bytesHelp)
	}
	factor, ok := byteFactor(unit)
	if !ok {
		return 0, fmt.Errorf("%q has the unknown unit %q: %s", s, unit, bytesHelp)
	}
	sum.Mul(sum, new(big.Rat).SetInt64(factor))
	whole, part := new(big.Int).DivMod(sum.Num(), sum.Denom(), new(big.Int))
	if part.Sign() > 0 {
		whole.Add(whole, big.NewInt(1))
	}
	if !whole.IsInt64() {
		return 0, fmt.Errorf("%q is more than 8 EiB", s)
	}
	return whole.Int64(), nil
}

func byteFactor(unit string) (int64, bool) {
	unit = strings.TrimSuffix(unit, "B")
	if unit == "" {
		return 1, true
	}
	if unit == "K" {
		unit = "k"
	}
	letter, i := strings.CutSuffix(unit, "i")
	base, letters := int64(1000), "kMGTPE"
	if i {
		base, letters = 1024, "KMGTPE"
	}
	power := strings.Index(letters, letter)
	if power < 0 || len(letter) != 1 {
		return 0, false
	}
	factor := base
	for range power {
		factor *= base
	}
	return factor, true
}

// FormatBytes gives a size to read, in powers of 1024 and three digits, such
// as "1.07 GiB".
func FormatBytes(n int64) string { return formatBytes(float64(n)) }

func formatBytes(n float64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	i := 0
	// 1023.5 would be shown as 1024, which is one of the next unit.
	for i < len(units)-1 && math.Abs(n) >= 1023.5 {
		n /= 1024
		i++
	}
	return num(round3(n)) + " " + units[i]
}

// budget gives a size as --disk-budget takes it, rounded up, so that what was
// said to fit does fit.
func budget(bytes float64) string {
	size, unit := float64(mib), "Mi"
	if bytes >= 10<<30 {
		size, unit = 1<<30, "Gi"
	}
	return strconv.FormatFloat(math.Ceil(bytes/size), 'f', 0, 64) + unit
}

// FormatRate gives a rate to read, such as "200 events/s". The unit is that of
// what is counted.
func FormatRate(perSecond float64, unit string) string {
	return num(perSecond) + " " + unit + "/s"
}

// FormatRetention gives a length of time in its two largest units, such as
// "1d12h", cut and not rounded, so that it never promises more than there is.
// ParseRetention reads it.
func FormatRetention(d time.Duration) string {
	if d < time.Second {
		return "0s"
	}
	units := []struct {
		name   string
		length time.Duration
	}{{"d", day}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}
	for i, u := range units {
		if d < u.length {
			continue
		}
		text := fmt.Sprintf("%d%s", d/u.length, u.name)
		if i+1 < len(units) {
			next := units[i+1]
			if n := d % u.length / next.length; n > 0 {
				text += fmt.Sprintf("%d%s", n, next.name)
			}
		}
		return text
	}
	return "0s"
}

// num writes a number for people: whole numbers as they are, others with at
// most six digits, never with an exponent where it can be helped.
func num(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	six, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 6, 64), 64)
	if err != nil || math.Abs(six) < 1e-6 || math.Abs(six) >= 1e15 {
		return strconv.FormatFloat(x, 'g', 3, 64)
	}
	return strconv.FormatFloat(six, 'f', -1, 64)
}

// round3 keeps three digits of a number below 1000 and all before the point.
func round3(x float64) float64 {
	switch a := math.Abs(x); {
	case a >= 100:
		return math.Round(x)
	case a >= 10:
		return math.Round(x*10) / 10
	default:
		return math.Round(x*100) / 100
	}
}
