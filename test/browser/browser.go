// Package browser lets tests look at pages in a real Chromium: what a person reads there, whether anything sticks out, whether a name in it became a script.
package browser

import (
	"bytes"
	"encoding/json"
	"html"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Page is what a browser made of a page.
type Page struct {
	Title string
	Text  string   // as a person reads it
	Width int      // of the window, in pixels
	Wide  []string // elements that stick out of the window at the right
	Fired []string // what a script that does not belong there called
	Asked []string // addresses that the page asked for
}

// before and behind stand around a page under test: they notice what scripts do, and write down what is there.
const (
	before = `<script>window.fired=[];for(const name of ["alert","fetch","open"])window[name]=()=>{window.fired.push(name)};window.onerror=m=>{window.fired.push(String(m))}</script>`
	behind = `<script>addEventListener("load",()=>{
const text=document.body.innerText, wide=[];
for(const e of document.querySelectorAll("body *")){const r=e.getBoundingClientRect();let clipped=false;
for(let p=e.parentElement;p;p=p.parentElement)if(getComputedStyle(p).overflowX!=="visible"||p.tagName==="svg")clipped=true;
if(r.right>innerWidth+1&&r.width>0&&!clipped)wide.push(e.tagName+"."+e.className+" "+(e.textContent||"").trim().slice(0,40))}
const out=document.createElement("pre");out.id="probe";
out.textContent=JSON.stringify({title:document.title,text,width:innerWidth,wide:wide.slice(0,5),fired:window.fired,asked:performance.getEntriesByType("resource").map(r=>r.name)});
document.body.append(out)})</script>`
)

var names = []string{"chromium", "chromium-browser", "google-chrome"}

// Open opens a page in a window of a width. Without Chromium it skips the test, or fails it if AMLMOVE_TEST_ALL=1 asks for all tests.
func Open(t testing.TB, page []byte, width int) Page {
	t.Helper()
	at := slices.IndexFunc(names, func(name string) bool { _, err := exec.LookPath(name); return err == nil })
	if at < 0 {
		if os.Getenv("AMLMOVE_TEST_ALL") == "1" {
			t.Fatal("Chromium (package chromium) is not installed")
		}
		t.Skip("Chromium (package chromium) is not installed: the page was not looked at")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "page.html")
	charset := []byte(`<meta charset="utf-8">`)
	start, rest, found := bytes.Cut(page, charset)
	if !found {
		t.Fatalf("the page does not say %s", charset)
	}
	whole := slices.Concat(start, charset, []byte(before), rest, []byte(behind))
	if err := os.WriteFile(file, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), names[at], "--headless", "--no-sandbox", "--disable-gpu", "--disable-extensions", "--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND",
		"--user-data-dir="+filepath.Join(dir, "profile"), "--window-size="+strconv.Itoa(width)+",900", "--dump-dom", (&url.URL{Scheme: "file", Path: file}).String())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	dom, err := cmd.Output()
	if err != nil {
		t.Fatalf("Chromium: %v: %s", err, stderr.Bytes())
	}
	_, probe, found := strings.Cut(string(dom), `<pre id="probe">`)
	if !found {
		t.Fatalf("Chromium did not get to the end of the page: %s", stderr.Bytes())
	}
	probe, _, _ = strings.Cut(probe, "</pre>")
	var seen Page
	if err := json.Unmarshal([]byte(html.UnescapeString(probe)), &seen); err != nil {
		t.Fatalf("what the page says of itself: %v", err)
	}
	return seen
}

// Sound checks what holds for every page: nothing sticks out, nothing runs, nothing is asked for, and these texts can be read.
func Sound(t testing.TB, page []byte, width int, texts ...string) {
	t.Helper()
	seen := Open(t, page, width)
	if len(seen.Wide) > 0 {
		t.Errorf("in a window of %d pixels these stick out: %q", seen.Width, seen.Wide)
	}
	if len(seen.Fired) > 0 || len(seen.Asked) > 0 {
		t.Errorf("scripts called %q, the page asked for %q", seen.Fired, seen.Asked)
	}
	if seen.Title == "" {
		t.Error("the page has no title")
	}
	for _, text := range texts {
		if !strings.Contains(seen.Text, text) {
			t.Errorf("%q cannot be read in: %s", text, seen.Text)
		}
	}
}
