// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// pauseImage is what containerd is told to make sandboxes of.
const pauseImage = "registry.k8s.io/pause:auditsetup"

// image is an image with one program in it.
type image struct {
	// Name is the reference by which a manifest asks for it.
	Name string
	// Program is a static program on this machine; Path is where it is in the
	// image, below /.
	Program, Path string
	// Entrypoint is what runs when a pod names no command; may be empty.
	Entrypoint []string
}

// importImages packs images into an archive as docker save writes it, and
// imports it. All are pinned: garbage collection would delete them on a fairly
// full disk, and nothing could bring them back.
func (n *Node) importImages(ctx context.Context, images []image) error {
	archive := filepath.Join(n.dir, "images.tar")
	if err := writeArchive(archive, images); err != nil {
		return err
	}
	if err := n.ctr(ctx, "images", "import", archive); err != nil {
		return err
	}
	for _, i := range images {
		if err := n.ctr(ctx, "images", "label", i.Name, "io.cri-containerd.pinned=pinned"); err != nil {
			return err
		}
	}
	return os.Remove(archive)
}

// ctr runs containerd's own client in the namespace of the kubelet's images.
func (n *Node) ctr(ctx context.Context, args ...string) error {
	program := filepath.Join(n.programs.Debian, "usr", "bin", "ctr")
	all := append([]string{"--address", containerdSocket, "--namespace", "k8s.io"}, args...)
	if out, err := exec.CommandContext(ctx, program, all...).CombinedOutput(); err != nil {
		return fmt.Errorf("ctr %v: %w\n%s", args, err, out)
	}
	return nil
}

// archiveEntry describes an image in manifest.json of an archive.
type archiveEntry struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// imageConfig is the part of an image's configuration that containerd reads.
type imageConfig struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
	Config       struct {
		Env        []string
		Entrypoint []string `json:",omitempty"`
	} `json:"config"`
	RootFS struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
}

// writeArchive writes an archive with all images to file.
func writeArchive(file string, images []image) (err error) {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := out.Close(); err == nil {
			err = closeErr
		}
	}()
	archive := tar.NewWriter(out)
	var entries []archiveEntry
	for number, i := range images {
		layer, config := fmt.Sprintf("%d.tar", number), fmt.Sprintf("%d.json", number)
		digest, err := writeLayer(archive, layer, i, file+".layer")
		if err != nil {
			return fmt.Errorf("image %s: %w", i.Name, err)
		}
		c := imageConfig{Architecture: runtime.GOARCH, OS: "linux"}
		c.Config.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
		c.Config.Entrypoint = i.Entrypoint
		c.RootFS.Type, c.RootFS.DiffIDs = "layers", []string{digest}
		if err := writeJSON(archive, config, c); err != nil {
			return err
		}
		entries = append(entries, archiveEntry{Config: config, RepoTags: []string{i.Name}, Layers: []string{layer}})
	}
	if err := writeJSON(archive, "manifest.json", entries); err != nil {
		return err
	}
	return archive.Close()
}

// writeLayer adds the only layer of an image, and returns its digest. The layer
// is made in a file of its own first, as its size goes before it.
func writeLayer(archive *tar.Writer, name string, i image, temporary string) (digest string, err error) {
	layer, err := os.Create(temporary)
	if err != nil {
		return "", err
	}
	defer os.Remove(temporary)
	defer layer.Close()
	hash := sha256.New()
	inner := tar.NewWriter(io.MultiWriter(layer, hash))
	if err := copyFile(inner, i.Path, 0o755, i.Program); err != nil {
		return "", err
	}
	if err := inner.Close(); err != nil {
		return "", err
	}
	return fmt.Sprintf("sha256:%x", hash.Sum(nil)), copyFile(archive, name, 0o644, temporary)
}

func copyFile(archive *tar.Writer, name string, mode int64, source string) error {
	file, err := os.Open(source)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: info.Size()}); err != nil {
		return err
	}
	_, err = io.Copy(archive, file)
	return err
}

func writeJSON(archive *tar.Writer, name string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
		return err
	}
	_, err = archive.Write(text)
	return err
}
