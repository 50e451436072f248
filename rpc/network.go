package rpc

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"cheese/node"
	"cheese/p2p"
	"cheese/p2p/msg"
)

var networkMethods = []method{
	{name: "addnode", category: inNetwork, run: addNode,
		help: "Attempts to add or remove a node from the addnode list, or tries a connection to a node once.",
		args: []arg{
			{name: "node", kind: text, help: "The address of the peer to connect to"},
			{name: "command", kind: text, help: "'add' to add a node to the list, 'remove' to remove a node from the list, 'onetry' to try a connection to the node once"},
			{name: "v2transport", kind: boolean, optional: true, standard: "false", help: "Attempt to connect using BIP324 v2 transport protocol, which this peer does not speak"},
		},
		result: "null"},
	{name: "disconnectnode", category: inNetwork, run: disconnectNode,
		help: "Immediately disconnects from the specified peer node. Strictly one out of 'address' and 'nodeid' can be provided.",
		args: []arg{
			{name: "address", kind: text, optional: true, standard: "fallback to nodeid", help: "The IP address/port of the node"},
			{name: "nodeid", kind: number, optional: true, standard: "fallback to address", help: "The node ID (see getpeerinfo for node IDs)"},
		},
		result: "null"},
	{name: "getconnectioncount", category: inNetwork, run: getConnectionCount,
		help:   "Returns the number of connections to other nodes.",
		result: "n (numeric) The connection count"},
	{name: "getnetworkinfo", category: inNetwork, run: getNetworkInfo,
		help:   "Returns an object containing various state info regarding P2P networking.",
		result: "(json object) version, subversion, protocolversion, connections and more"},
	{name: "getpeerinfo", category: inNetwork, run: getPeerInfo,
		help:   "Returns data about each connected network peer as a json array of objects.",
		result: "(json array) of objects: id, addr, version, subver, inbound and more"},
}

func getConnectionCount(c *call) (any, error) { return len(c.node.P2P.Peers()), nil }

// peerJSON has the fields of Core's getpeerinfo in its order. Those that depend on parts of the protocol which this
// peer does not speak, such as compact blocks, have the value that Core gives to a peer without them.
type peerJSON struct {
	ID              int64            `json:"id"`
	Addr            string           `json:"addr"`
	Network         string           `json:"network"`
	Services        services         `json:"services"`
	ServicesNames   []string         `json:"servicesnames"`
	RelayTxs        bool             `json:"relaytxes"`
	LastSend        int64            `json:"lastsend"`
	LastRecv        int64            `json:"lastrecv"`
	LastTransaction int64            `json:"last_transaction"`
	LastBlock       int64            `json:"last_block"`
	BytesSent       int64            `json:"bytessent"`
	BytesRecv       int64            `json:"bytesrecv"`
	ConnTime        int64            `json:"conntime"`
	TimeOffset      int64            `json:"timeoffset"`
	PingTime        *float64         `json:"pingtime,omitempty"` // seconds
	MinPing         *float64         `json:"minping,omitempty"`
	Version         uint32           `json:"version"`
	Subver          string           `json:"subver"`
	Inbound         bool             `json:"inbound"`
	HighTo          bool             `json:"bip152_hb_to"`
	HighFrom        bool             `json:"bip152_hb_from"`
	StartingHeight  int32            `json:"startingheight"`
	Presynced       int32            `json:"presynced_headers"`
	SyncedHeaders   int32            `json:"synced_headers"`
	SyncedBlocks    int32            `json:"synced_blocks"`
	InFlight        []int32          `json:"inflight"`
	AddrRelay       bool             `json:"addr_relay_enabled"`
	AddrProcessed   int64            `json:"addr_processed"`
	AddrLimited     int64            `json:"addr_rate_limited"`
	Permissions     []string         `json:"permissions"`
	MinFeeFilter    amount           `json:"minfeefilter"`
	SentPerMsg      map[string]int64 `json:"bytessent_per_msg"`
	RecvPerMsg      map[string]int64 `json:"bytesrecv_per_msg"`
	ConnectionType  string           `json:"connection_type"`
	Transport       string           `json:"transport_protocol_type"`
	SessionID       string           `json:"session_id"`
}

func getPeerInfo(c *call) (any, error) {
	peers := c.node.P2P.Peers()
	list := make([]peerJSON, len(peers))
	for i, p := range peers {
		list[i] = peerOf(p)
		list[i].SyncedHeaders, list[i].SyncedBlocks = c.common(p)
	}
	return list, nil
}

func peerOf(p p2p.PeerInfo) peerJSON {
	j := peerJSON{ID: p.ID, Addr: p.Addr, Network: networkOf(p.Addr), Services: services(p.Services), ServicesNames: services(p.Services).names(),
		RelayTxs: p.State == p2p.Ready, LastSend: unix(p.LastSend), LastRecv: unix(p.LastRecv), BytesSent: p.BytesSent, BytesRecv: p.BytesRecv,
		ConnTime: unix(p.Since), TimeOffset: int64(p.TimeOffset / time.Second), PingTime: seconds(p.Ping), MinPing: seconds(p.MinPing),
		Version: p.Version, Subver: p.Agent, Inbound: p.Inbound, StartingHeight: p.Height, Presynced: -1, InFlight: []int32{}, AddrRelay: true,
		Permissions: []string{}, SentPerMsg: map[string]int64{}, RecvPerMsg: map[string]int64{}, Transport: "v1"}
	switch {
	case p.Inbound:
		j.ConnectionType = "inbound"
	case p.Manual:
		j.ConnectionType = "manual"
	default:
		j.ConnectionType = "outbound-full-relay"
	}
	return j
}

// common returns the heights of the last header and block that we have in common with a peer; -1 where none is known.
func (c *call) common(p p2p.PeerInfo) (headers, blocks int32) {
	v := c.node.Chain.View()
	e, ok := v.ByHash(p.BestKnown)
	if !ok {
		return -1, -1
	}
	fork, ok := v.Fork(e.Hash, v.Tip().Hash())
	if !ok {
		return e.Height, -1
	}
	return e.Height, fork.Height
}

// unix returns seconds since 1970, 0 for what has not happened yet.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func seconds(d time.Duration) *float64 {
	if d == 0 {
		return nil
	}
	return optional(d.Seconds())
}

// networkOf names the network of a socket address as Core does, which sees private addresses as none.
func networkOf(addr string) string {
	at, err := netip.ParseAddrPort(addr)
	ip := at.Addr().Unmap()
	switch {
	case err != nil, ip.IsLoopback(), ip.IsPrivate(), ip.IsLinkLocalUnicast(), ip.IsUnspecified():
		return "not_publicly_routable"
	case ip.Is4():
		return "ipv4"
	}
	return "ipv6"
}

// services are a peer's service bits; their text is sixteen hexadecimal digits.
type services uint64

// MarshalText writes the digits.
func (s services) MarshalText() ([]byte, error) {
	high, _ := bits32(s >> 32).MarshalText()
	low, _ := bits32(uint32(s)).MarshalText()
	return append(high, low...), nil
}

// names lists the bits that are set: those with a name in Core by it.
func (s services) names() []string {
	known := map[int]string{0: "NETWORK", 2: "BLOOM", 3: "WITNESS", 6: "COMPACT_FILTERS", 10: "NETWORK_LIMITED", 11: "P2P_V2"}
	list := []string{}
	for bit := range 64 {
		if s>>bit&1 == 0 {
			continue
		}
		name, ok := known[bit]
		if !ok {
			name = "UNKNOWN[2^" + strconv.Itoa(bit) + "]"
		}
		list = append(list, name)
	}
	return list
}

type networkJSON struct {
	Name      string `json:"name"`
	Limited   bool   `json:"limited"`
	Reachable bool   `json:"reachable"`
	Proxy     string `json:"proxy"`
	Randomize bool   `json:"proxy_randomize_credentials"`
}

type localAddressJSON struct {
	Address string `json:"address"`
	Port    uint16 `json:"port"`
	Score   int    `json:"score"`
}

type networkInfoJSON struct {
	Version        int                `json:"version"`
	Subversion     string             `json:"subversion"`
	Protocol       uint32             `json:"protocolversion"`
	Services       services           `json:"localservices"`
	ServicesNames  []string           `json:"localservicesnames"`
	LocalRelay     bool               `json:"localrelay"`
	TimeOffset     int64              `json:"timeoffset"`
	Active         bool               `json:"networkactive"`
	Connections    int                `json:"connections"`
	In             int                `json:"connections_in"`
	Out            int                `json:"connections_out"`
	Networks       []networkJSON      `json:"networks"`
	RelayFee       amount             `json:"relayfee"`
	IncrementalFee amount             `json:"incrementalfee"`
	LocalAddresses []localAddressJSON `json:"localaddresses"`
	Warnings       []string           `json:"warnings"`
}

// dialectVersion is the release of Bitcoin Core whose RPC this is, in the form that its clients compare.
const dialectVersion = 280100

func getNetworkInfo(c *call) (any, error) {
	const ours = services(msg.ServiceNetwork | msg.ServiceWitness)
	offset, _ := c.node.P2P.ClockOffset()
	j := networkInfoJSON{Version: dialectVersion, Subversion: c.node.Agent(), Protocol: msg.Version70016, Services: ours, ServicesNames: ours.names(),
		LocalRelay: true, TimeOffset: int64(offset / time.Second), Active: true, RelayFee: amount(c.node.Pool.View().MinRelayFee()),
		IncrementalFee: amount(c.node.Pool.Options().IncrementalRelayFee), LocalAddresses: []localAddressJSON{}, Warnings: c.warnings()}
	for _, p := range c.node.P2P.Peers() {
		j.Connections++
		if p.Inbound {
			j.In++
		} else {
			j.Out++
		}
	}
	for _, name := range []string{"ipv4", "ipv6", "onion", "i2p", "cjdns"} {
		reachable := name == "ipv4" || name == "ipv6"
		j.Networks = append(j.Networks, networkJSON{Name: name, Limited: !reachable, Reachable: reachable})
	}
	if at := c.node.ListenAddr(); at.IsValid() && !at.Addr().IsUnspecified() {
		j.LocalAddresses = append(j.LocalAddresses, localAddressJSON{Address: at.Addr().String(), Port: at.Port(), Score: 1})
	}
	return j, nil
}

func addNode(c *call) (any, error) {
	addr, command, v2 := c.withPort(c.text(0)), c.text(1), c.boolean(2, false)
	switch {
	case c.err != nil:
		return nil, c.err
	case command != "onetry" && command != "add" && command != "remove":
		return nil, errorf(codeMisc, "%s", c.method.describe())
	case v2:
		return nil, errorf(codeParameter, "Error: v2transport requested but not enabled (see -v2transport)")
	}
	var err error
	switch command {
	case "add":
		err = c.node.AddNode(addr)
	case "remove":
		err = c.node.RemoveNode(addr)
	case "onetry":
		if err := c.node.P2P.Connect(c.ctx, addr); err != nil { // which Core does not tell the caller either
			c.node.Logger().Warn("cannot connect", "addr", addr, "error", err)
		}
	}
	switch {
	case errors.Is(err, node.ErrNodeAdded):
		return nil, errorf(codeAlreadyAdded, "Error: Node already added")
	case errors.Is(err, node.ErrNodeNotAdded):
		return nil, errorf(codeNotAdded, "Error: Node could not be removed. It has not been added previously.")
	}
	return nil, err
}

// withPort adds the network's port to an address that has none.
func (c *call) withPort(addr string) string {
	if _, _, err := net.SplitHostPort(addr); err == nil || addr == "" {
		return addr
	}
	host := strings.TrimSuffix(strings.TrimPrefix(addr, "["), "]")
	return net.JoinHostPort(host, strconv.Itoa(int(c.node.Params.P2PPort)))
}

func disconnectNode(c *call) (any, error) {
	addr, id := c.withPort(c.text(0)), c.integer(1, 0)
	switch {
	case c.err != nil:
		return nil, c.err
	case c.has(1) == (addr != ""), !c.has(0) && !c.has(1):
		return nil, errorf(codeInvalidParams, "Only one of address and nodeid should be provided.")
	}
	for _, p := range c.node.P2P.Peers() {
		if c.has(1) && p.ID == int64(id) || !c.has(1) && p.Addr == addr {
			if c.node.P2P.Disconnect(p.ID) == nil {
				return nil, nil
			}
		}
	}
	return nil, errorf(codeNotConnected, "Node not found in connected nodes")
}
