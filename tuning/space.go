// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package tuning

import "math"

// space is how many bytes of events are to be kept, and what rotated files
// take. At the worst moment there is one file in use and, with compression, a
// second one on its way to be compressed, both at full size.
type space struct {
	need     float64 // bytes of events to keep in rotated files
	full     float64 // files that take their whole size
	per      float64 // what each rotated file adds, as a share of its size
	leastMiB float64 // the largest event has to fit a file
}

func (l Load) space() space {
	s := space{need: l.meanBytesPerSecond() * l.Retention.Seconds(), full: 1, per: 1}
	if l.Compress {
		s.full, s.per = 2, 1/l.CompressRatio
	}
	// The line ends with a newline, so an event of a whole number of MiB needs
	// a file of one more.
	s.leastMiB = float64(l.MaxEventBytes/mib + 1)
	return s
}

// leastBudget is the disk for one file in use and one rotated, in bytes.
func (l Load) leastBudget() int64 {
	s := l.space()
	return wholeInt64(math.Ceil(s.disk(s.leastMiB, 1)))
}

// disk is what count rotated files of size MiB and those in use take.
func (s space) disk(size, count float64) float64 {
	return size * mib * (s.full + s.per*count)
}

// fit is how many rotated files of size MiB a budget holds; below 1 when there
// is no room for one. A share such as 1/2.5 is no binary fraction: what fits
// to the byte must not be turned away for it, nor a byte too much let in.
func (s space) fit(size, budget float64) float64 {
	n := math.Floor((budget/(size*mib)-s.full)/s.per + 1e-9)
	if s.disk(size, n) > budget*(1+4e-16) {
		n--
	}
	return n
}

// wanted is how many rotated files of size MiB the retention takes.
func (s space) wanted(size float64) float64 {
	return max(ceil(s.need/(size*mib)), cisBackups)
}

// backups is how many rotated files there will be, at least one.
func (s space) backups(size, budget float64) float64 {
	return max(min(s.wanted(size), s.fit(size, budget)), 1)
}

// size chooses the size of a file in MiB: 100, or 200, 500, 1000 and so on
// where there would be too many of them. A budget too small for ten files of
// 100 is cut so that it holds ten, though only four where that leaves less
// than 10 MiB a file.
func (s space) size(budget float64) float64 {
	least := max(s.leastMiB, cisSizeMiB)
	if s.fit(least, budget) < cisBackups {
		whole := budget / mib
		ten := math.Floor(whole / (s.full + s.per*cisBackups))
		four := math.Floor(whole / (s.full + s.per*4))
		return max(ten, min(four, roomyMiB), s.leastMiB)
	}
	size := least
	for i := 0; min(s.wanted(size), s.fit(size, budget)) > mostBackups; i++ {
		next := size * steps125[i%len(steps125)]
		if s.disk(next, 0) > budget*mostWhole {
			break
		}
		size = next
	}
	return size
}

// steps125 leads from 1 to 2 to 5 to 10.
var steps125 = [3]float64{2, 2.5, 2}
