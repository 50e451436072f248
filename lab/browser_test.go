package lab_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"cheese/lab"
	"cheese/lab/labtest"
	"cheese/node"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestTheFourButtons clicks through the exercise in two peers' windows, in a real browser. With CHEESE_SCREENSHOTS=DIR
// it leaves pictures of what it saw there.
func TestTheFourButtons(t *testing.T) {
	browser := startBrowser(t)
	n := labtest.Start(t, lab.Options{Params: demoParams(t), Classic: true})
	one, two := browser.open(n, 0), browser.open(n, 1)

	for _, w := range []*page{one, two} {
		w.eventually("the window is live", `document.querySelector('[data-testid="link"]')?.textContent.length > 0`)
		n.Eventually("the tracker lists all", func() bool { return listed(t, n.Node(w.peer)) == 2 })
		w.click("peer-list")
		w.eventually("the list shows the others", fmt.Sprintf(`%s?.querySelectorAll('tbody tr').length >= 2`, testid("result-peer-list")))
		w.click("connect-peers")
		w.eventually("the results are in place", fmt.Sprintf(`%s?.textContent.length > 0`, testid("result-connect-peers")))
		w.eventually("two connections are counted", fmt.Sprintf(`%s?.textContent.trim() === "2"`, testid("connections-count")))
	}
	n.Connected()
	one.shot("peers")

	for i, w := range []*page{one, two, one} {
		w.click("create-transaction")
		w.click("random-payment")
		w.eventually("the payment is shown", fmt.Sprintf(`/[0-9a-f]{8}/.test(%s?.textContent ?? "")`, testid("result-create-transaction")))
		n.Eventually("the payment is on its way", func() bool { return sentBy(n.Node(w.peer)) >= []int{1, 1, 2}[i] })
		if i == 0 {
			n.Eventually("it reached the other pools", func() bool { return n.Node(2).Pool.View().Len() == 1 })
			if h := n.Node(0).Chain.View().Tip().Height(); h > int32(bootstrapHeight(n)) {
				t.Error("a cheese was mined before three transactions waited")
			}
		}
	}
	n.Eventually("a cheese with the three is mined", func() bool { return n.Node(0).Pool.View().Len() == 0 && n.Node(1).Pool.View().Len() == 0 })
	n.Agree()
	for _, w := range []*page{one, two} {
		w.click("show-cheese-stack")
		w.eventually("the stack goes down to bootstrap", fmt.Sprintf(`document.querySelectorAll('[data-testid="block"]').length >= %d`, bootstrapHeight(n)))
		w.eventually("the log tells who won", `/cheese mined|new cheese added/.test(document.body.textContent)`)
		w.noErrors()
	}
	one.gallery(n)
}

// bootstrapHeight is how many blocks funded the peers.
func bootstrapHeight(n *labtest.Network) int { return 4 + int(n.Params.Maturity) }

func listed(t *testing.T, n *node.Node) int {
	list, err := n.PeerList(t.Context())
	if err != nil {
		return 0
	}
	return len(list)
}

func sentBy(n *node.Node) int { return said(n, node.SayCreated) }

// chromium is a running browser.
type chromium struct {
	t   *testing.T
	ctx context.Context
}

func startBrowser(t *testing.T) *chromium {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("NO CHROMIUM HERE: THE BROWSER TEST IS SKIPPED (Debian: apt install chromium)")
	}
	if _, err := os.Stat("../web/dist/index.html"); err != nil {
		t.Skip("THE WINDOW IS NOT BUILT: THE BROWSER TEST IS SKIPPED (run `make window`)")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	alloc, stop := chromedp.NewExecAllocator(ctx, chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.UserDataDir(t.TempDir()))
	root, quit := chromedp.NewContext(alloc)
	if err := chromedp.Do(root); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	t.Cleanup(func() {
		if err := chromedp.Cancel(root); err != nil {
			t.Logf("close the browser: %v", err)
		}
		quit()
		stop()
		cancel()
	})
	return &chromium{t: t, ctx: root}
}

// page is one peer's window in a tab of its own.
type page struct {
	t    *testing.T
	ctx  context.Context
	peer int
}

func (b *chromium) open(n *labtest.Network, peer int) *page {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.t.Cleanup(cancel)
	p := &page{t: b.t, ctx: ctx, peer: peer}
	p.do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate("about:blank"))
	p.eval(`true`)
	p.do(chromedp.Navigate(n.Peers[peer].Ready().Window))
	p.eval(`window.addEventListener("error", e => (window.failures ??= []).push(e.message)), true`)
	return p
}

func testid(id string) string { return fmt.Sprintf(`document.querySelector('[data-testid="%s"]')`, id) }

func (p *page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.shot("failed")
		p.t.Fatal(err)
	}
}

func (p *page) eval(js string) bool {
	p.t.Helper()
	ok, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](js))
	if err != nil {
		p.t.Fatalf("%s: %v", js, err)
	}
	return ok
}

func (p *page) click(id string) {
	p.t.Helper()
	p.eventually(id+" can be clicked", testid(id)+`?.disabled === false`)
	p.do(chromedp.Click(chromedp.CSS(fmt.Sprintf(`[data-testid="%s"]`, id))))
}

func (p *page) eventually(what, js string) {
	p.t.Helper()
	for end := time.Now().Add(labtest.Patience); !p.eval("!!(" + js + ")"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			p.shot("failed")
			p.t.Fatalf("Peer%d's window: after %v still not: %s", p.peer+1, labtest.Patience, what)
		}
	}
}

func (p *page) noErrors() {
	p.t.Helper()
	if p.eval(`(window.failures ?? []).length > 0`) {
		p.t.Errorf("Peer%d's window threw errors", p.peer+1)
	}
}

// shot saves a picture where the developer asked for pictures.
func (p *page) shot(name string) {
	dir := os.Getenv("CHEESE_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)
	}
	if err != nil {
		p.t.Logf("screenshot %s: %v", name, err)
	}
}

// busy lets the peers pay each other until a few more cheeses are mined, so that pictures show a network at work.
func (p *page) busy(n *labtest.Network) {
	p.t.Helper()
	for i := range 16 {
		if _, err := n.Node(i % len(n.Peers)).RandomPayment(p.t.Context()); err != nil {
			p.t.Fatal(err)
		}
		if i%4 == 3 && i < 15 {
			n.Eventually("the payments are mined", func() bool { return n.Node(0).Pool.View().Len() < node.ClassicWaitFor })
		}
	}
}

// gallery looks at every view, wide and narrow, light and dark: nothing may stick out sideways.
func (p *page) gallery(n *labtest.Network) {
	p.t.Helper()
	if os.Getenv("CHEESE_SCREENSHOTS") != "" {
		p.busy(n)
	}
	p.eval(`(document.querySelector('[data-testid="result-show-cheese-stack"] button')?.click(), true)`)
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 400} {
			p.do(chromedp.EmulateViewport(width, 900))
			media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
			if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, media); err != nil {
				p.t.Fatal(err)
			}
			for _, view := range []string{"home", "stack", "wallet", "pool", "connections", "log"} {
				p.eval(fmt.Sprintf(`(location.hash = "#/%s", window.scrollTo(0, 0), true)`, view))
				p.eventually(view+" fits the width", `document.documentElement.scrollWidth <= window.innerWidth`)
				time.Sleep(200 * time.Millisecond) // let it paint
				p.shot(fmt.Sprintf("%s-%d-%s", view, width, scheme))
			}
		}
	}
}
