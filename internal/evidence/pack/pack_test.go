package pack_test

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/evidence"
	"saltmine/internal/evidence/pack"
)

var tampers = flag.Int("tampers", 300, "how many bytes of a pack are changed, one at a time")

type signer struct{ ed25519.PrivateKey }

func (s signer) Sign(msg []byte) []byte { return ed25519.Sign(s.PrivateKey, msg) }

func (s signer) Public() ed25519.PublicKey { return s.PrivateKey.Public().(ed25519.PublicKey) }

func key(seed byte) evidence.Key {
	return evidence.Key{Signer: signer{ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32))}}
}

// world is a log of some acts, and what a pack of it is made of.
type world struct {
	t     *testing.T
	key   evidence.Key
	salts [][]byte
	texts [][]byte
	head  pack.Head
	proof pack.Proof
	files map[string][]byte
}

const size = 60

// list is what act 20 stands for.
const list = "f_aaaaaaaaaaaaaaaa"

// newWorld makes a log of 60 acts, and the files of a pack that shows two of them, one
// of which stands for two contacts and a page; the pack shows one contact and the page.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, key: key(1), files: map[string][]byte{}, head: pack.Head{Tool: "saltmine (test)", Incident: "i_aaaaaaaaaaaaaaaa", At: time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC), Acts: size}}
	header, raw, salt := []byte(`{"id":"k_smtpd-0123","channel":"smtp"}`+"\n"), bytes.Repeat([]byte("MAIL FROM:<x@example.org>\r\n"), 40), bytes.Repeat([]byte{7}, 32)
	mac := hmac.New(sha256.New, salt)
	mac.Write(binary.BigEndian.AppendUint32([]byte("SMC1"), uint32(len(header))))
	mac.Write(append(bytes.Clone(header), raw...))
	page := []byte(`{"id":"p_aaaaaaaaaaaaaaaa"}`)
	lines := []string{
		evidence.Line("k_other-4567", strings.Repeat("ab", 32)),
		evidence.Line("k_smtpd-0123", hex.EncodeToString(mac.Sum(nil))),
		evidence.Line("t_aaaaaaaaaaaaaaaa", fmt.Sprintf("%x", sha256.Sum256([]byte("window\n")))),
		evidence.Line("p_aaaaaaaaaaaaaaaa", fmt.Sprintf("%x", sha256.Sum256(page))),
	}
	for n := range int64(size) {
		a := canary.Act{Seq: n + 1, At: w.head.At.Add(time.Duration(n) * time.Second), Who: "dana", Via: "cli", What: "call", Outcome: "200"}
		if a.Seq == 20 {
			a.What, a.About, a.Outcome = "filed", list, evidence.ListHash(lines)
		}
		w.add(a)
	}
	w.show(20)
	w.show(41)
	w.proof.Lists = []pack.List{{ID: list, Act: 20}}
	w.proof.Contacts = []pack.Contact{{ID: "k_smtpd-0123", Salt: hex.EncodeToString(salt), List: list}}
	w.proof.Pages = []pack.Page{{ID: "p_aaaaaaaaaaaaaaaa", List: list}}
	w.files[pack.ListFile(list)] = []byte(strings.Join(lines, "\n") + "\n")
	w.files[pack.HeaderFile("k_smtpd-0123")], w.files[pack.RawFile("k_smtpd-0123")] = header, raw
	w.files[pack.PageFile("p_aaaaaaaaaaaaaaaa")] = page
	w.proof.Windows = []pack.Page{{ID: "t_aaaaaaaaaaaaaaaa", List: list}}
	w.files[pack.WindowFile("t_aaaaaaaaaaaaaaaa")] = []byte("window\n")
	w.files["report.html"] = []byte("<!doctype html><p>Fünf")
	w.files["trace.json"] = []byte("{}\n")
	w.files[pack.ReadFile("0123456789ab")] = []byte("{}\n")
	w.files["checkpoints/33.note"] = w.checkpoint(33)
	return w
}

func (w *world) add(a canary.Act) {
	w.t.Helper()
	text, err := evidence.Text(a)
	if err != nil {
		w.t.Fatal(err)
	}
	salt := sha256.Sum256([]byte{byte(a.Seq)})
	w.texts, w.salts = append(w.texts, text), append(w.salts, salt[:])
}

func (w *world) show(seq int64) {
	w.files[pack.ActFile(seq)] = w.texts[seq-1]
	w.proof.Acts = append(w.proof.Acts, pack.Act{Seq: seq, Salt: hex.EncodeToString(w.salts[seq-1])})
}

// says changes the line of an act, which the log then holds so.
func (w *world) says(seq int64, from, to string) {
	w.t.Helper()
	text := bytes.Replace(w.texts[seq-1], []byte(from), []byte(to), 1)
	if bytes.Equal(text, w.texts[seq-1]) {
		w.t.Fatalf("%s has no %s", text, from)
	}
	w.texts[seq-1], w.files[pack.ActFile(seq)] = text, text
	delete(w.files, "checkpoints/33.note")
}

func (w *world) leaves() (out []byte) {
	for i := range w.texts {
		h := evidence.Leaf(w.salts[i], w.texts[i])
		out = append(out, h[:]...)
	}
	return out
}

// checkpoint is signed of the first acts.
func (w *world) checkpoint(n int64) []byte {
	w.t.Helper()
	var tree evidence.Range
	for i := range n {
		tree.Add(evidence.Leaf(w.salts[i], w.texts[i]))
	}
	note, err := w.key.Sign(evidence.Checkpoint{Log: w.key.Log(), Size: n, Root: tree.Root()}.Text())
	if err != nil {
		w.t.Fatal(err)
	}
	return note
}

func (w *world) pack() []byte {
	w.t.Helper()
	files := []pack.Content{}
	for name, b := range w.files {
		files = append(files, pack.Bytes(name, b))
	}
	if w.files["log/leaves"] == nil {
		files = append(files, pack.Bytes("log/leaves", w.leaves()))
	}
	if w.files["log/checkpoint.note"] == nil {
		files = append(files, pack.Bytes("log/checkpoint.note", w.checkpoint(int64(len(w.texts)))))
	}
	var out bytes.Buffer
	if _, err := pack.Write(&out, w.key, w.head, w.proof, files); err != nil {
		w.t.Fatal(err)
	}
	return out.Bytes()
}

// verifiers are the two, each of which says where the first fault is; empty for none.
type verifiers struct {
	t       *testing.T
	key     *evidence.Verifier
	outside []byte
	in      io.Writer
	out     *bufio.Scanner
	file    string
}

func newVerifiers(t *testing.T, outside []byte) *verifiers {
	t.Helper()
	text, err := key(1).Verifier()
	if err != nil {
		t.Fatal(err)
	}
	v := &verifiers{t: t, outside: outside, file: filepath.Join(t.TempDir(), "pack.zip")}
	if v.key, err = evidence.ParseVerifier(text); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join("..", "..", "..", "configs", "verify.py")
	if _, err := os.Stat(script); err != nil { // so that a result is not kept when it is changed
		t.Fatal(err)
	}
	args := []string{script, "--key", text}
	if outside != nil {
		name := filepath.Join(t.TempDir(), "outside")
		if err := os.WriteFile(name, outside, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--checkpoint", name)
	}
	cmd := exec.CommandContext(t.Context(), "python3", append(args, "-")...)
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	v.in, v.out = in, bufio.NewScanner(out)
	return v
}

func (v *verifiers) goSays(b []byte) (where, what string) {
	v.t.Helper()
	_, err := pack.Verify(bytes.NewReader(b), int64(len(b)), pack.Options{Key: v.key, Outside: v.outside})
	if fault, is := errors.AsType[*pack.Fault](err); is {
		return fault.Where, fault.What
	}
	if err != nil {
		v.t.Fatalf("no fault, and not read: %v", err)
	}
	return "", ""
}

func (v *verifiers) pythonSays(b []byte) (where, what string) {
	v.t.Helper()
	if err := os.WriteFile(v.file, b, 0o600); err != nil {
		v.t.Fatal(err)
	}
	if _, err := fmt.Fprintln(v.in, v.file); err != nil {
		v.t.Fatal(err)
	}
	if !v.out.Scan() {
		v.t.Fatalf("verify.py says nothing: %v", v.out.Err())
	}
	line := v.out.Text()
	if strings.HasPrefix(line, "good: ") {
		return "", line
	}
	rest, is := strings.CutPrefix(line, "fault: ")
	if !is {
		v.t.Fatalf("verify.py says %q", line)
	}
	where, what, _ = strings.Cut(rest, ": ")
	return where, what
}

// say holds both against what is wanted.
func (v *verifiers) say(name, want string, b []byte) {
	v.t.Helper()
	for who, say := range map[string]func([]byte) (string, string){"Go": v.goSays, "Python": v.pythonSays} {
		if where, what := say(b); where != want {
			v.t.Errorf("%s: %s finds %q (%s), want %q", name, who, where, what, want)
		}
	}
}

// TestGoodPack: both verifiers take it, and so does unzip; the same is made of the same.
func TestGoodPack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.pack()
	newVerifiers(t, nil).say("good", "", b)
	newVerifiers(t, w.checkpoint(50)).say("beside a checkpoint", "", b)
	newVerifiers(t, w.checkpoint(size)).say("beside its own", "", b)
	if !bytes.Equal(b, newWorld(t).pack()) {
		t.Error("the same state gives another pack")
	}
	name := filepath.Join(t.TempDir(), "p.zip")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "python3", "-m", "zipfile", "-t", name).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Done") {
		t.Errorf("another program finds: %s, %v", out, err)
	}
}

// TestEveryByteCounts changes one byte at a time, and cuts and lengthens the pack.
func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	b := newWorld(t).pack()
	v := newVerifiers(t, nil)
	random := rand.New(rand.NewPCG(1, 2))
	check := func(what string, bad []byte) {
		t.Helper()
		inGo, _ := v.goSays(bad)
		inPython, _ := v.pythonSays(bad)
		if inGo == "" || inGo != inPython {
			t.Errorf("%s: Go finds %q, Python %q", what, inGo, inPython)
		}
	}
	for range *tampers {
		bad, at := bytes.Clone(b), random.IntN(len(b))
		bad[at] ^= byte(1 + random.IntN(255))
		check(fmt.Sprintf("byte %d", at), bad)
	}
	for range *tampers / 10 {
		at := random.IntN(len(b))
		check(fmt.Sprintf("cut at %d", at), b[:at])
		check(fmt.Sprintf("one byte less at %d", at), append(bytes.Clone(b[:at]), b[at+1:]...))
		check(fmt.Sprintf("one byte more at %d", at), append(append(bytes.Clone(b[:at]), byte(random.IntN(256))), b[at:]...))
	}
	check("one byte behind", append(bytes.Clone(b), 0))
	check("one byte before", append([]byte{0}, b...))
}

// TestRewritten: whoever has not the key writes a sound archive of changed files.
func TestRewritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := newVerifiers(t, nil)
	files, names := unzip(t, w.pack())
	for _, name := range names {
		changed := map[string][]byte{}
		maps.Copy(changed, files)
		changed[name] = append(bytes.Clone(files[name]), ' ')
		want := name
		if name == "manifest.json" {
			want = "manifest.note"
		}
		v.say("changed "+name, want, rezip(t, changed))
		delete(changed, name)
		v.say("without "+name, name, rezip(t, changed))
	}
	files["report.pdf"] = []byte("more")
	v.say("a file more", "report.pdf", rezip(t, files))
}

// TestSignedLies: the key's owner signs a pack whose proofs do not hold.
func TestSignedLies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lie   func(w *world)
		where string
	}{
		"another act": {func(w *world) { w.files[pack.ActFile(41)] = w.texts[42] }, pack.ActFile(41)},
		"an act's text": {func(w *world) {
			w.files[pack.ActFile(41)] = bytes.Replace(w.texts[40], []byte("dana"), []byte("noor"), 1)
		}, pack.ActFile(41)},
		"an act's salt":         {func(w *world) { w.proof.Acts[1].Salt = strings.Repeat("00", 32) }, pack.ActFile(41)},
		"an act of no log":      {func(w *world) { w.proof.Acts[1].Seq = 99; w.files[pack.ActFile(99)] = w.texts[40] }, pack.ActFile(99)},
		"an act twice":          {func(w *world) { w.proof.Acts = append(w.proof.Acts, w.proof.Acts[1]) }, pack.ActFile(41)},
		"an act not proved":     {func(w *world) { w.proof.Acts = w.proof.Acts[:1] }, pack.ActFile(41)},
		"an act left out":       {func(w *world) { delete(w.files, pack.ActFile(41)) }, pack.ActFile(41)},
		"a contact's words":     {func(w *world) { w.files[pack.RawFile("k_smtpd-0123")][5] = 'X' }, pack.RawFile("k_smtpd-0123")},
		"a contact's header":    {func(w *world) { w.files[pack.HeaderFile("k_smtpd-0123")][5] = 'X' }, pack.RawFile("k_smtpd-0123")},
		"a contact's salt":      {func(w *world) { w.proof.Contacts[0].Salt = "00" }, pack.RawFile("k_smtpd-0123")},
		"a contact not proved":  {func(w *world) { w.proof.Contacts = nil }, pack.HeaderFile("k_smtpd-0123")},
		"a contact left out":    {func(w *world) { delete(w.files, pack.RawFile("k_smtpd-0123")) }, pack.RawFile("k_smtpd-0123")},
		"a contact of no list":  {func(w *world) { w.proof.Contacts[0].List = "f_b" }, pack.RawFile("k_smtpd-0123")},
		"a page's words":        {func(w *world) { w.files[pack.PageFile("p_aaaaaaaaaaaaaaaa")][5] = 'X' }, pack.PageFile("p_aaaaaaaaaaaaaaaa")},
		"a window":              {func(w *world) { w.files[pack.WindowFile("t_aaaaaaaaaaaaaaaa")][1] = 'X' }, pack.WindowFile("t_aaaaaaaaaaaaaaaa")},
		"a window not proved":   {func(w *world) { w.proof.Windows = nil }, pack.WindowFile("t_aaaaaaaaaaaaaaaa")},
		"a list's line":         {func(w *world) { w.files[pack.ListFile(list)][5] ^= 1 }, pack.ListFile(list)},
		"a list of another act": {func(w *world) { w.proof.Lists[0].Act = 41 }, pack.ListFile(list)},
		"a list of no act":      {func(w *world) { w.proof.Lists[0].Act = 5 }, pack.ListFile(list)},
		"fewer leaves":          {func(w *world) { w.files["log/leaves"] = w.leaves()[32:] }, "log/leaves"},
		"another leaf":          {func(w *world) { b := w.leaves(); b[77] ^= 1; w.files["log/leaves"] = b }, "log/leaves"},
		"an older checkpoint":   {func(w *world) { w.files["log/checkpoint.note"] = w.checkpoint(59) }, "log/leaves"},
		"another's checkpoint": {func(w *world) {
			other := *w
			other.key = key(2)
			w.files["log/checkpoint.note"] = other.checkpoint(size)
		}, "log/checkpoint.note"},
		"an earlier one of another log": {func(w *world) {
			other := newWorld(w.t)
			other.texts[3] = other.texts[4]
			w.files["checkpoints/33.note"] = other.checkpoint(33)
		}, "checkpoints/33.note"},
		"an earlier one of another size": {func(w *world) { w.files["checkpoints/33.note"] = w.checkpoint(34) }, "checkpoints/33.note"},
		"a stamp of no checkpoint":       {func(w *world) { w.files["checkpoints/35.tsa.tsr"] = []byte("x") }, "checkpoints/35.note"},
		"an act that says a thing twice": {func(w *world) { w.says(41, `{"seq":41,`, `{"seq":41,"seq":41,`) }, pack.ActFile(41)},
		"an act with a number as text":   {func(w *world) { w.says(41, `"seq":41`, `"seq":"41"`) }, pack.ActFile(41)},
		"an act with another number":     {func(w *world) { w.says(41, `"seq":41`, `"seq":41.0`) }, pack.ActFile(41)},
		"an act with a space":            {func(w *world) { w.says(41, `"who":`, `"who": `) }, pack.ActFile(41)},
		"an act of another clock":        {func(w *world) { w.says(41, `Z"`, `+02:00"`) }, pack.ActFile(41)},
		"an act of no day":               {func(w *world) { w.says(41, `2026-05-06`, `2026-02-30`) }, pack.ActFile(41)},
		"an act with bare brackets":      {func(w *world) { w.says(41, `dana`, `<b>`) }, pack.ActFile(41)},
		"act 0":                          {func(w *world) { w.proof.Acts[0].Seq = 0; w.files[pack.ActFile(0)] = w.texts[0] }, pack.ActFile(0)},
		"a salt with spaces": {func(w *world) {
			w.proof.Contacts[0].Salt = w.proof.Contacts[0].Salt[:2] + " " + w.proof.Contacts[0].Salt[2:]
		}, pack.RawFile("k_smtpd-0123")},
		"an act's salt with spaces": {func(w *world) { w.proof.Acts[1].Salt += " " }, pack.ActFile(41)},
		"another key":               {func(w *world) { w.key = key(2) }, "manifest.note"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.lie(w)
			newVerifiers(t, nil).say(name, c.where, w.pack())
		})
	}
}

// TestCanaries: whoever can check what is disclosed of canaries is asked, and told by which
// key the pack is signed.
func TestCanaries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.files["canaries/c_aaaa.json"] = []byte("what is said of it")
	b, v := w.pack(), newVerifiers(t, nil)
	for _, want := range []error{nil, errors.New("it is false")} {
		asked := ""
		check := func(id string, file []byte, by int) error {
			asked = fmt.Sprintf("%s %s %d", id, file, by)
			return want
		}
		_, err := pack.Verify(bytes.NewReader(b), int64(len(b)), pack.Options{Key: v.key, Canary: check})
		fault, is := errors.AsType[*pack.Fault](err)
		if is != (want != nil) || is && fault.Where != "canaries/c_aaaa.json" || asked != "c_aaaa what is said of it 0" {
			t.Errorf("%v, and %q was asked", err, asked)
		}
	}
}

// TestOutside: the key's owner writes the log anew, all signatures new and right; a
// checkpoint that somebody else has kept shows it, whatever the pack shows of the log.
func TestOutside(t *testing.T) {
	t.Parallel()
	kept := newWorld(t).checkpoint(50)
	anew := func(w *world, texts, salts [][]byte) {
		w.texts, w.salts = texts, salts
		delete(w.files, "checkpoints/33.note")
		w.head.Acts = int64(len(texts))
	}
	v := newVerifiers(t, kept)
	for name, change := range map[string]func(w *world){
		"changed places": func(w *world) {
			w.texts[30], w.texts[31], w.salts[30], w.salts[31] = w.texts[31], w.texts[30], w.salts[31], w.salts[30]
			anew(w, w.texts, w.salts)
		},
		"one dropped": func(w *world) {
			anew(w, append(w.texts[:44:44], w.texts[45:]...), append(w.salts[:44:44], w.salts[45:]...))
		},
		"one put in": func(w *world) {
			anew(w, append(w.texts[:45:45], w.texts[44:]...), append(w.salts[:45:45], w.salts[44:]...))
		},
		"one with another text": func(w *world) { w.texts[48] = w.texts[47]; anew(w, w.texts, w.salts) },
		"one with another salt": func(w *world) { w.salts[49] = w.salts[48]; anew(w, w.texts, w.salts) },
		"the end cut off":       func(w *world) { anew(w, w.texts[:45], w.salts[:45]) },
	} {
		w := newWorld(t)
		change(w)
		b := w.pack()
		newVerifiers(t, nil).say(name+", without the checkpoint", "", b)
		v.say(name, "checkpoint", b)
	}
	w := newWorld(t)
	w.texts[55] = w.texts[54] // after the checkpoint: it says nothing of that
	v.say("later", "", w.pack())
	newVerifiers(t, []byte("nonsense\n")).say("no checkpoint", "checkpoint", newWorld(t).pack())
}
