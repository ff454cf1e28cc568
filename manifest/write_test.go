// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// write adds text, which may hold line breaks, and notes the lines that are
// finished in loose places.
func (g *generator) write(s string) {
	before := g.out.String()
	g.out.WriteString(s)
	if g.loose > 0 {
		from := strings.LastIndexByte(before, '\n') + 1
		g.mayChange = append(g.mayChange, strings.SplitAfter(g.out.String()[from:], "\n")...)
	}
}

var remarkTexts = []string{"# remark", "#", "# - --audit-log-path=/no", "# größer: 'than' \"this\" [that}, x", "#volumes:", "# ]"}

// endLine ends a line of block style, perhaps with blanks or a remark, and
// puts remarks and empty lines below.
func (g *generator) endLine() {
	if g.IntN(10) < g.remarks && !g.verbatim {
		g.write(pick(g, " ", "  ", " \t") + pick(g, "", "", pick(g, remarkTexts...)))
	}
	g.verbatim = false
	g.write("\n")
}

func (g *generator) between(column int) {
	for g.IntN(10) < g.remarks {
		if !g.sensitive {
			g.out.WriteString(pick(g, "\n", " \n"))
		}
		g.out.WriteString(strings.Repeat(" ", g.IntN(column+1)) + pick(g, remarkTexts...) + "\n")
		if g.oneOf(2) {
			g.out.WriteString(pick(g, "\n", " \n"))
		}
	}
	g.sensitive = false
}

var loosened = []string{"command", "args", "volumes", "volumeMounts", "annotations"}

// mapping writes pairs in block style; the first where the line already stands
// when it is not fresh.
func (g *generator) mapping(pairs []pair, column int, fresh bool) {
	for i, p := range pairs {
		if i > 0 || fresh {
			g.between(column)
			g.out.WriteString(strings.Repeat(" ", column))
		}
		_, null := p.value.(nothing)
		list, isList := p.value.([]any)
		inner, isMap := p.value.([]pair)
		empty := isList && len(list) == 0 || isMap && len(inner) == 0
		flow := empty || (isList || isMap) && g.oneOf(5)
		loose := flow && p.key != "labels" || null || slices.Contains(loosened, p.key) && flow
		if loose {
			g.loose++
		}
		g.out.WriteString(pick(g, p.key, p.key, p.key, p.key, toQuoted(p.key)) + ":")
		switch {
		case null:
			g.write(pick(g, "", " null", " ~", ""))
			g.endLine()
		case flow:
			g.write(pick(g, " ", "  "))
			g.flow(p.value, column+1, true)
			g.endLine()
		case isMap:
			g.endLine()
			g.mapping(inner, column+pick(g, 2, 2, 1, 4), true)
		case isList:
			g.endLine()
			g.list(list, column+pick(g, 0, 0, 2, 3), p.key)
		default:
			g.write(" ")
			g.scalar(p.value, column, false)
			g.endLine()
		}
		if loose {
			g.loose--
		}
	}
}

func toQuoted(s string) string { return `"` + s + `"` }

func (g *generator) list(items []any, column int, key string) {
	audit := false
	for _, item := range items {
		value, _ := item.(text)
		if flags := key == "command" || key == "args"; flags && strings.HasPrefix(string(value), "--audit") {
			audit = true
		} else if strings.HasPrefix(string(value), "--") {
			audit = false
		}
		g.between(column)
		if audit { // so may the second item of a flag
			g.loose++
		}
		g.write(strings.Repeat(" ", column) + "-")
		inner := column + 1 + pick(g, 1, 1, 1, 3)
		pairs, isMap := item.([]pair)
		switch {
		case isMap && g.IntN(20) < g.remarks:
			g.write(pick(g, "\n", " # the next\n")) // no tab: the parser takes none here
			g.mapping(pairs, inner, true)
		case isMap:
			g.out.WriteString(strings.Repeat(" ", inner-column-1))
			g.mapping(pairs, inner, false)
		default:
			if g.IntN(20) < g.remarks {
				g.write(pick(g, "\n", "  \n", " # the next\n") + strings.Repeat(" ", inner))
			} else {
				g.write(strings.Repeat(" ", inner-column-1))
			}
			g.scalar(item, column, false)
			g.endLine()
		}
		if audit {
			g.loose--
		}
	}
}

var plainText = regexp.MustCompile(`^(--)?[a-zA-Z/][a-zA-Z0-9/._@=-]*(,[a-zA-Z0-9/._@=:-]*)*$`)

// scalar writes a value; column is that of the collection around it.
func (g *generator) scalar(v any, column int, flow bool) {
	t, isText := v.(text)
	if !isText {
		data, _ := json.Marshal(v)
		g.write(string(data))
		return
	}
	s := string(t)
	if g.anchors < 3 && g.oneOf(60) {
		g.anchors++
		g.write(fmt.Sprintf("&a%d ", g.anchors))
	}
	plain := s != "true" && plainText.MatchString(s) && (!flow || !strings.Contains(s, ",")) && !strings.HasSuffix(s, ":") || !flow && strings.HasPrefix(s, "http")
	breaks := strings.Contains(s, "\n")
	switch n := g.IntN(12); {
	case n < 7 && plain:
		g.write(s)
	case n == 7 && !breaks:
		g.write("'" + strings.ReplaceAll(s, "'", "''") + "'")
	case n == 8 && !flow && s != "" && !strings.HasPrefix(s, " ") && !strings.HasPrefix(s, "\n"):
		g.literal(s, column)
	case n == 9 && !breaks && strings.Contains(s, "blanks and"): // over two lines
		g.write("'" + strings.Replace(strings.ReplaceAll(s, "'", "''"), "blanks and", "blanks\n\t "+strings.Repeat(" ", column)+" and", 1) + "'")
	case n == 10 && !breaks && len(s) > 4:
		i := strings.LastIndexByte(s[:len(s)-2], '-')
		if i < 1 {
			i = 1
		}
		g.write(jsonText(s[:i])[:len(jsonText(s[:i]))-1] + "\\\n" + strings.Repeat(" ", column+2) + jsonText(s[i:])[1:])
	default:
		g.write(jsonText(s))
	}
}

func (g *generator) literal(s string, column int) {
	g.verbatim, g.sensitive = true, true
	body := strings.TrimRight(s, "\n")
	chomp := map[int]string{0: "-", 1: ""}[len(s)-len(body)]
	if len(s)-len(body) > 1 {
		chomp = "+"
	}
	step := pick(g, 1, 2, 4)
	hint := ""
	if g.oneOf(4) {
		hint = fmt.Sprint(step)
	}
	g.write("|" + pick(g, hint+chomp, chomp+hint) + pick(g, "", " ", " # text"))
	for _, line := range strings.Split(body, "\n") {
		g.write("\n")
		if line != "" {
			g.write(strings.Repeat(" ", column+step) + line)
		}
	}
	g.write(strings.Repeat("\n", max(0, len(s)-len(body)-1)))
}

// jsonText is a JSON string, which is a YAML one too.
func jsonText(s string) string {
	data, _ := json.Marshal(s)
	return string(data)
}

// flow writes a value in brackets, on one line or on several.
func (g *generator) flow(v any, column int, remarks bool) {
	lines := remarks && g.oneOf(3)
	var inner []func()
	brackets := "[]"
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			inner = append(inner, func() { g.flow(item, column+1, remarks && !lines) })
		}
	case []pair:
		brackets = "{}"
		for _, p := range v {
			inner = append(inner, func() {
				g.write(pick(g, p.key, toQuoted(p.key)) + ": ")
				g.flow(p.value, column+1, remarks && !lines)
			})
		}
	case nothing:
		g.write(pick(g, "null", "~"))
		return
	default:
		g.scalar(v, column, true)
		return
	}
	g.write(brackets[:1])
	for i, write := range inner {
		g.gap(map[bool]string{true: ",", false: ""}[i > 0], column, lines)
		write()
	}
	if len(inner) > 0 && g.oneOf(4) {
		g.write(",")
	}
	if lines {
		g.write(pick(g, "", " ", " # last") + "\n" + strings.Repeat(" ", column+1))
	}
	g.write(brackets[1:])
}

// gap writes what stands between two entries in brackets.
func (g *generator) gap(comma string, column int, lines bool) {
	remark := ""
	if lines && g.IntN(10) < g.remarks {
		remark = " " + pick(g, remarkTexts...)
	}
	switch {
	case !lines && comma == "" && !g.oneOf(5):
	case !lines:
		g.write(comma + pick(g, " ", " ", " ", "  "))
	case comma != "" && g.oneOf(12): // commas in front
		g.write(remark + "\n" + strings.Repeat(" ", column+1) + comma + " ")
	default:
		g.write(comma + remark + "\n" + strings.Repeat(" ", column+3))
	}
}

// plain turns what the generator writes into what encoding/json takes.
func plain(v any) any {
	switch v := v.(type) {
	case []pair:
		m := map[string]any{}
		for _, p := range v {
			m[p.key] = plain(p.value)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plain(v[i])
		}
		return list
	case nothing:
		return nil
	}
	return v
}
