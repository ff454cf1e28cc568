// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package load

import "math"

// order deals out classes by their shares, evenly: after any number of requests
// each class has been asked for as often as its share says, give or take little
// more than one. So a short run has the same mix as a long one, and two of the
// same length are alike.
type order struct {
	shares []float64
	// owed is by how much each class is behind.
	owed []float64
}

func newOrder(shares []float64) *order {
	return &order{shares: shares, owed: make([]float64, len(shares))}
}

// next gives the class that is most behind.
func (o *order) next() int {
	most, at := math.Inf(-1), 0
	for i, share := range o.shares {
		o.owed[i] += share
		if o.owed[i] > most {
			most, at = o.owed[i], i
		}
	}
	o.owed[at]--
	return at
}
