package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"cheese/chain"
	"cheese/coin"
	"cheese/lab"
	"cheese/mempool"
	"cheese/node"
	"cheese/rpc"

	"github.com/lmittmann/tint"
	"golang.org/x/net/netutil"
)

// bitcoindCmd speaks bitcoind's own command line, which is not like that of the other commands: see bitcoindFlags.
type bitcoindCmd struct {
	Args []string `arg:"" optional:""`
}

func (c *bitcoindCmd) Run(ctx context.Context, out *output) error {
	line, err := parseBitcoindArgs(c.Args)
	if err != nil {
		return err
	}
	s := &settings{line: line, section: source{}, common: source{}}
	switch {
	case s.on("help"):
		fmt.Fprint(out.out, "Usage: cheese bitcoind [-flag=value ...]\n\nA full node for regtest that takes bitcoind's flags and bitcoin.conf.\n\n")
		printFlags(out.out)
		return nil
	case s.on("version"):
		return versionCmd{}.Run(out)
	}
	b, err := openBitcoind(s, out)
	if err != nil {
		return err
	}
	return b.run(ctx)
}

// bitcoind is a node behind bitcoind's doors.
type bitcoind struct {
	node   *node.Node
	dir    string         // the network's, under -datadir
	rpc    []net.Listener // on loopback; none with -server=0
	server *rpc.Server
	cookie string   // path; "" where a password is set
	pool   string   // path of what Core calls mempool.dat; "" with -persistmempool=0
	log    *os.File // nil: none
}

// openBitcoind opens everything that the settings ask for; nothing runs yet.
func openBitcoind(s *settings, out *output) (*bitcoind, error) {
	datadir, err := s.datadir()
	if err != nil {
		return nil, err
	}
	unknown, err := s.readConf(datadir)
	if err != nil {
		return nil, err
	}
	params, err := s.params()
	if err != nil {
		return nil, err
	}
	b := &bitcoind{dir: filepath.Join(datadir, params.Name)}
	if err := b.open(s, params, unknown, out); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *bitcoind) open(s *settings, params *coin.Params, unknown []string, out *output) error {
	if err := b.makeDirs(); err != nil {
		return err
	}
	handler, err := b.openLog(s, out)
	if err != nil {
		return err
	}
	log := slog.New(handler)
	warn(log, s, unknown)
	if err := b.openNode(s, params, log); err != nil {
		return err
	}
	if s.on("persistmempool") {
		b.pool = filepath.Join(b.dir, "mempool.dat")
	}
	return b.openRPC(s)
}

// warn tells what was asked for in vain.
func warn(log *slog.Logger, s *settings, unknown []string) {
	for _, name := range unknown {
		log.Warn("bitcoin.conf has a name that bitcoind does not know", "name", name)
	}
	for _, name := range s.unserved() {
		log.Warn("accepted, not served yet", "flag", "-"+name)
	}
}

// datadir returns the data directory, which must exist where it is named.
func (s *settings) datadir() (string, error) {
	dir := s.text("datadir")
	if dir == "" {
		dir, err := orHome("", "bitcoind")
		if err == nil {
			err = makeDir(dir)
		}
		return dir, err
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return "", fmt.Errorf("-datadir=%s: there is no such directory", dir)
	}
	return filepath.Abs(dir)
}

// params returns the network with the heights that -testactivationheight moves.
func (s *settings) params() (*coin.Params, error) {
	name := s.text("chain")
	if s.on("regtest") {
		name = "regtest"
	}
	for _, other := range []string{"testnet", "testnet4", "signet"} {
		if s.on(other) {
			name = other
		}
	}
	if name != "regtest" {
		return nil, fmt.Errorf("only regtest is served here, not %s: start with -regtest", orWord(name, "Bitcoin's main network"))
	}
	p := coin.Regtest()
	heights := map[string]*int32{"segwit": &p.Heights.Segwit, "bip34": &p.Heights.BIP34, "dersig": &p.Heights.BIP66,
		"cltv": &p.Heights.BIP65, "csv": &p.Heights.CSV}
	for _, v := range s.list("testactivationheight") {
		what, digits, ok := strings.Cut(v, "@")
		if !ok {
			return nil, fmt.Errorf("Invalid format (%s) for -testactivationheight=name@height.", v)
		}
		height, known := heights[what]
		if !known {
			return nil, fmt.Errorf("Invalid name (%s) for -testactivationheight=name@height.", v)
		}
		n, err := strconv.ParseInt(digits, 10, 32)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("Invalid height value (%s) for -testactivationheight=name@height.", v)
		}
		*height = int32(n)
	}
	return p, nil
}

func orWord(s, other string) string {
	if s == "" || s == "main" {
		return other
	}
	return s
}

// makeDirs makes the layout that tools expect: wallets stays empty.
func (b *bitcoind) makeDirs() error {
	for _, dir := range []string{"blocks", "chainstate", "indexes", "wallets"} {
		if err := os.MkdirAll(filepath.Join(b.dir, dir), 0o700); err != nil {
			return fmt.Errorf("cannot make the data directory, choose another with -datadir: %w", err)
		}
	}
	return nil
}

// openLog returns a handler that writes to debug.log and to standard output, as the settings say.
func (b *bitcoind) openLog(s *settings, out *output) (slog.Handler, error) {
	level := slog.LevelInfo
	if s.given("debug") && s.text("debug") != "0" && s.text("debug") != "none" {
		level = slog.LevelDebug
	}
	var handlers []slog.Handler
	if path := s.text("debuglogfile"); path != "0" {
		if !filepath.IsAbs(path) {
			path = filepath.Join(b.dir, path)
		}
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("-debuglogfile: %w", err)
		}
		b.log = f
		handlers = append(handlers, slog.NewTextHandler(f, &slog.HandlerOptions{Level: level}))
	}
	if s.on("printtoconsole") {
		handlers = append(handlers, tint.NewHandler(out.out, &tint.Options{Level: level, TimeFormat: time.DateTime, NoColor: true}))
	}
	return slog.NewMultiHandler(handlers...), nil
}

func (b *bitcoind) openNode(s *settings, params *coin.Params, log *slog.Logger) error {
	policy, err := s.policy()
	if err != nil {
		return err
	}
	clock := &node.Clock{}
	clock.Set(s.number("mocktime"))
	cfg := node.Config{Params: params, Name: "bitcoind", Version: programVersion(), Dir: b.dir, Dial: lab.Sockets{}.Dial, NoMine: true, NoWallet: true,
		Alone: s.given("connect"), Policy: policy, Clock: clock, Logger: log}
	for _, addr := range append(s.list("connect"), s.list("addnode")...) {
		if addr != "0" {
			cfg.Connect = append(cfg.Connect, withPort(addr, params.P2PPort))
		}
	}
	if cfg.Listener, err = s.listener(); err != nil {
		return err
	}
	b.node, err = node.Open(cfg)
	if err != nil && cfg.Listener != nil {
		cfg.Listener.Close()
	}
	if errors.Is(err, chain.ErrLocked) {
		return fmt.Errorf("another program uses %s: stop it, or choose another directory with -datadir", b.dir)
	}
	return err
}

// withPort adds the network's port to an address that has none.
func withPort(addr string, port uint16) string {
	if _, _, err := net.SplitHostPort(addr); err == nil {
		return addr
	}
	return net.JoinHostPort(strings.Trim(addr, "[]"), strconv.Itoa(int(port)))
}

// listener opens the port for other nodes, or none.
func (s *settings) listener() (net.Listener, error) {
	if s.given("listen") && !s.on("listen") || !s.given("listen") && s.given("connect") {
		return nil, nil
	}
	port := s.number("port")
	if port < 1 || port > math.MaxUint16 {
		return nil, fmt.Errorf("-port=%d: a port is a number from 1 to %d", port, math.MaxUint16)
	}
	at := net.JoinHostPort("", strconv.FormatInt(port, 10))
	if binds := s.list("bind"); len(binds) > 0 {
		at = withPort(strings.TrimSuffix(binds[0], "=onion"), uint16(port))
	}
	return lab.Listen(lab.Sockets{}, "other nodes", "-bind or -port", at)
}

// policy returns the pool's rules.
func (s *settings) policy() (mempool.Options, error) {
	const kilo, mega = 1000, 1_000_000
	o := mempool.DefaultOptions()
	o.MinRelayFee, o.IncrementalRelayFee, o.DustRelayFee = s.rate("minrelaytxfee"), s.rate("incrementalrelayfee"), s.rate("dustrelayfee")
	o.BlockMinFee = s.rate("blockmintxfee")
	if !s.given("minrelaytxfee") { // as in Core, the other may raise it alone
		o.MinRelayFee = max(o.MinRelayFee, o.IncrementalRelayFee)
	}
	o.AcceptNonStandard, o.FullRBF, o.PermitBareMultisig = s.on("acceptnonstdtxn"), s.on("mempoolfullrbf"), s.on("permitbaremultisig")
	o.DataCarrierSize, o.BytesPerSigOp = int(s.number("datacarriersize")), int(s.number("bytespersigop"))
	if !s.on("datacarrier") {
		o.DataCarrierSize = -1
	}
	o.Limits = mempool.Limits{AncestorCount: int(s.number("limitancestorcount")), AncestorSize: kilo * int(s.number("limitancestorsize")),
		DescendantCount: int(s.number("limitdescendantcount")), DescendantSize: kilo * int(s.number("limitdescendantsize"))}
	o.MaxBytes, o.Expiry = mega*s.number("maxmempool"), time.Duration(s.number("mempoolexpiry"))*time.Hour
	if least := int64(o.Limits.DescendantSize) * 40; o.MaxBytes < least { // Core's factor
		return o, fmt.Errorf("-maxmempool must be at least %d MB", (least+mega-1)/mega)
	}
	return o, nil
}

// openRPC opens the RPC's port and says who may use it.
func (b *bitcoind) openRPC(s *settings) error {
	if !s.on("server") {
		return nil
	}
	port := s.number("rpcport")
	if port < 1 || port > math.MaxUint16 {
		return fmt.Errorf("-rpcport=%d: a port is a number from 1 to %d", port, math.MaxUint16)
	}
	at := strconv.FormatInt(port, 10)
	l, err := lab.Listen(lab.Sockets{}, "the RPC", "-rpcport", net.JoinHostPort("127.0.0.1", at))
	if err != nil {
		return err
	}
	b.rpc = append(b.rpc, l)
	if l, err := net.Listen("tcp", net.JoinHostPort("::1", at)); err == nil { // a machine may be without IPv6
		b.rpc = append(b.rpc, l)
	}
	auth := rpc.Credentials{User: s.text("rpcuser"), Password: s.text("rpcpassword")}
	if auth.Password == "" {
		if auth, err = b.writeCookie(s.text("rpccookiefile")); err != nil {
			return err
		}
	}
	b.server = rpc.New(b.node, auth)
	for _, line := range s.list("rpcauth") {
		salted, err := rpc.ParseSalted(line)
		if err != nil {
			return fmt.Errorf("-rpcauth: %w", err)
		}
		b.server.Admit(salted)
	}
	return nil
}

// writeCookie leaves a password for who may read this user's files.
func (b *bitcoind) writeCookie(path string) (rpc.Credentials, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(b.dir, path)
	}
	var secret [32]byte
	rand.Read(secret[:]) // never fails since Go 1.24
	auth := rpc.Credentials{User: "__cookie__", Password: hex.EncodeToString(secret[:])}
	os.Remove(path) // an old one may have other permissions
	if err := os.WriteFile(path, []byte(auth.User+":"+auth.Password), 0o600); err != nil {
		return auth, fmt.Errorf("write the cookie: %w", err)
	}
	b.cookie = path
	return auth, nil
}

// run runs the node until ctx ends or its RPC is told to stop.
func (b *bitcoind) run(ctx context.Context) error {
	log := b.node.Logger()
	if err := b.loadPool(); err != nil {
		log.Warn("the transactions that waited are lost", "file", b.pool, "error", err)
	}
	log.Info("node started", "network", b.node.Params.Name, "dir", b.dir, "height", b.node.Chain.View().Tip().Height())
	err := b.node.Run(ctx, func(ctx context.Context) error {
		err := serveRPC(ctx, b.rpc, b.server)
		if err := b.savePool(); err != nil { // nobody sends any more
			log.Error("cannot keep the transactions that wait", "file", b.pool, "error", err)
		}
		return err
	})
	b.node = nil // Run has closed it
	return errors.Join(err, b.close())
}

// loadPool takes in the transactions that waited when the node stopped.
func (b *bitcoind) loadPool() error {
	if b.pool == "" {
		return nil
	}
	f, err := os.Open(b.pool)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return b.node.Pool.Load(f)
}

// savePool writes the file anew beside the old one, so that one of them is whole.
func (b *bitcoind) savePool() error {
	if b.pool == "" {
		return nil
	}
	f, err := os.OpenFile(b.pool+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(b.node.Pool.Save(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), b.pool)
}

// close gives back what is open.
func (b *bitcoind) close() error {
	for _, l := range b.rpc {
		l.Close() // what has served is closed already
	}
	if b.cookie != "" {
		os.Remove(b.cookie)
	}
	var err error
	if b.node != nil {
		b.node.CloseListener()
		err = b.node.Close()
	}
	if b.log != nil {
		err = errors.Join(err, b.log.Close())
	}
	return err
}

// Limits on callers of the RPC.
const (
	rpcConnections  = 200
	rpcHeaderWithin = 5 * time.Second
	rpcIdle         = 30 * time.Second // as Core's -rpcservertimeout
	rpcEndsWithin   = time.Second
)

// serveRPC answers on the listeners until ctx ends, and then lets calls that run end in a short time.
func serveRPC(ctx context.Context, listeners []net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, BaseContext: func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: rpcHeaderWithin, IdleTimeout: rpcIdle, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	ended := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { ended <- server.Serve(netutil.LimitListener(l, rpcConnections)) }()
	}
	var err error
	running := len(listeners)
	select {
	case err = <-ended:
		err = fmt.Errorf("serve the RPC: %w", err)
		running--
	case <-ctx.Done():
	}
	grace, done := context.WithTimeout(context.WithoutCancel(ctx), rpcEndsWithin)
	defer done()
	if server.Shutdown(grace) != nil {
		server.Close()
	}
	for range running {
		<-ended
	}
	return err
}
