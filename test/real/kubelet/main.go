// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Command kubelet is a stand-in for the kubelet, and far from being one: it
// looks at one static pod of its folder, runs the command of its kube-apiserver
// container as a plain process with the program $APISERVER, ends it and starts
// another when the pod changes, starts it again when it ends, and writes what it
// says where a kubelet would, in the form of a container runtime. There are no
// containers, no mounts, no probes and no API. What it is for is that auditsetup
// meets a process called kubelet with a configuration, and a kube-apiserver that
// goes and comes; the true kubelet is in test/node.
//
// SIGUSR1 makes it blind to changes, as a kubelet is that hangs.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

const (
	look  = 100 * time.Millisecond
	again = time.Second
	grace = 30 * time.Second
)

type config struct {
	StaticPodPath string `json:"staticPodPath"`
	PodLogsDir    string `json:"podLogsDir"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(args []string) error {
	var c config
	if len(args) != 1 {
		return fmt.Errorf("usage: kubelet --config=FILE")
	}
	data, err := os.ReadFile(strings.TrimPrefix(args[0], "--config="))
	if err == nil {
		err = yaml.Unmarshal(data, &c)
	}
	if err != nil {
		return err
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, os.Interrupt)
	blind := make(chan os.Signal, 1)
	signal.Notify(blind, syscall.SIGUSR1)
	k := &kubelet{config: c}
	sees := true
	for {
		select {
		case <-end:
			k.stop()
			return nil
		case <-blind:
			sees = false
		case <-time.After(look):
		}
		if sees {
			k.sync()
		}
	}
}

// kubelet is one static pod.
type kubelet struct {
	config
	uid     string
	command []string
	count   int // of starts of this pod
	cmd     *exec.Cmd
	ended   chan struct{}
	next    time.Time
}

// sync brings what runs to what the folder has.
func (k *kubelet) sync() {
	data, err := os.ReadFile(filepath.Join(k.StaticPodPath, "kube-apiserver.yaml"))
	var pod corev1.Pod
	if err != nil || yaml.Unmarshal(data, &pod) != nil || len(pod.Spec.Containers) == 0 {
		return
	}
	text, _ := json.Marshal(pod)
	sum := sha256.Sum256(text)
	if uid := hex.EncodeToString(sum[:16]); uid != k.uid {
		k.stop()
		k.uid, k.count, k.next = uid, 0, time.Time{}
		k.command = slices.Concat(pod.Spec.Containers[0].Command, pod.Spec.Containers[0].Args)
	}
	if k.running() || time.Now().Before(k.next) {
		return
	}
	if err := k.start(); err != nil {
		log.Print(err)
	}
	k.next = time.Now().Add(again)
}

func (k *kubelet) running() bool {
	if k.ended == nil {
		return false
	}
	select {
	case <-k.ended:
		return false
	default:
		return true
	}
}

func (k *kubelet) start() error {
	dir := filepath.Join(k.PodLogsDir, "kube-system_kube-apiserver-control-plane_"+k.uid, "kube-apiserver")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	out, err := os.Create(filepath.Join(dir, fmt.Sprintf("%d.log", k.count)))
	if err != nil {
		return err
	}
	k.count++
	k.cmd = exec.Command(os.Getenv("APISERVER"), k.command[1:]...)
	k.cmd.Args[0] = k.command[0]
	k.cmd.Env = []string{}
	k.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdout, err := k.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	stderr, err := k.cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := k.cmd.Start(); err != nil {
		return err
	}
	k.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) {
		var both sync.WaitGroup
		var mu sync.Mutex
		for name, r := range map[string]io.Reader{"stdout": stdout, "stderr": stderr} {
			both.Go(func() { frame(out, &mu, name, r) })
		}
		both.Wait()
		_ = cmd.Wait()
		_ = out.Close()
		close(ended)
	}(k.cmd, k.ended)
	return nil
}

// frame writes lines in the form of the CRI.
func frame(w io.Writer, mu *sync.Mutex, stream string, r io.Reader) {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			mu.Lock()
			fmt.Fprintf(w, "%s %s F %s\n", time.Now().Format(time.RFC3339Nano), stream, strings.TrimSuffix(line, "\n"))
			mu.Unlock()
		}
		if err != nil {
			return
		}
	}
}

func (k *kubelet) stop() {
	if !k.running() {
		return
	}
	_ = k.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-k.ended:
	case <-time.After(grace):
		_ = k.cmd.Process.Kill()
		<-k.ended
	}
}
