// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

// largestFrame is how far back zstd may refer, in bytes: what zstd uses up to its
// level 19. More has to be asked for when compressing.
const largestFrame = 8 << 20

// unpack looks at how a stream begins. An error was reported.
func (s *scanner) unpack(raw io.Reader) (text io.ReadCloser, packed bool, err error) {
	buffered := bufio.NewReaderSize(raw, 64<<10)
	head, err := buffered.Peek(4)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		text, err = gzip.NewReader(buffered)
		if err != nil {
			s.report.rest.Add(s.report.Name, "the compressed data is broken from the beginning: "+reason(err), "copy the file again, or leave it out")
		}
		return text, true, err
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		// one goroutine, since files are read at the same time
		d, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(largestFrame))
		if err != nil {
			s.report.rest.Add(s.report.Name, "cannot be read: "+reason(err), "")
			return nil, true, err
		}
		return d.IOReadCloser(), true, nil
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, _ = buffered.Discard(3) // a byte order mark
	case len(head) == 0 && err != nil && !errors.Is(err, io.EOF):
		s.report.rest.Add(s.report.Name, "cannot be read: "+reason(err), "")
		return nil, false, err
	}
	return io.NopCloser(buffered), false, nil
}
