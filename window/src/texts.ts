// Every sentence of the window, in one place.
const s = (n: number) => (n === 1 ? "" : "s");

export const texts = {
  product: "cheese",
  skip: "Skip to the content",
  coin: "CHZ",

  nav: {
    label: "Places",
    home: "Home", stack: "Cheese stack", wallet: "Wallet", pool: "Mempool", connections: "Connections", log: "Log",
    short: { home: "Home", stack: "Stack", wallet: "Wallet", pool: "Pool", connections: "Peers", log: "Log" },
  },

  header: {
    height: "Height",
    network: "network",
    mining: "Mining",
    theme: { auto: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" },
  },

  link: {
    connecting: "Connecting",
    live: "Live",
    reconnecting: "Reconnecting",
    stale: "Silent",
    offline: "Offline",
    banner: {
      reconnecting: "The line to the peer broke. Connecting again; what you see may be a moment old.",
      stale: "Nothing has come from the peer for half a minute. What you see may be old.",
      offline: "The peer does not answer. It may have been stopped; this window connects again by itself once it runs.",
    },
    retry: "Try now",
  },

  time: {
    ago: (span: string) => (span ? `${span} ago` : "now"),
    days: (n: number) => `${n} day${s(n)}`,
    never: "never",
  },

  amount: {
    empty: "Enter an amount, for example 1.5.",
    zero: "The amount must be more than zero.",
    negative: "The amount cannot be negative.",
    comma: "Write decimals with a point: 1.5, not 1,5.",
    decimals: "A CHZ has eight decimals; the smallest amount is 0.00000001 (one crumb).",
    junk: "Only digits and one point, for example 1.5.",
    tooMuch: "There will never be more than 21 million CHZ.",
  },

  errors: {
    offline: "The peer does not answer. Is it still running?",
    timeout: "The peer took longer than 30 seconds to answer.",
    unauthorized: "This window is no longer let in. Open the address that the terminal printed.",
    status: (n: number) => `The peer refused with HTTP status ${n}.`,
    unknown: "Something went wrong in this window.",
  },

  unauthorized: {
    title: "This window needs its key",
    body: "Each peer prints the address of its window in the terminal, with a token in it. Open that address once; the browser then remembers.",
    example: (origin: string) => `${origin}/?token=…`,
    retry: "Try again",
  },
  failed: {
    title: "No peer here",
    body: "Nothing answers at this address. If the peer was stopped, start it again; this page finds it by itself.",
  },
  crashed: {
    title: "This view stopped",
    body: "The window met something it did not expect. The peer itself is not affected.",
    retry: "Show it again",
  },
  loading: "Loading",
  retry: "Try again",
  close: "Close",
  copy: "Copy",
  copied: "Copied",
  copyFailed: "The browser did not allow copying",
  more: (n: number) => `${n} more not shown`,

  warnings: {
    title: "Worth knowing", hide: "Hide these notes",
    noTracker: "No tracker is set. The peer finds others by the addresses it remembers and those it is told.",
    trackerDown: (url: string, error: string) => `The tracker ${url} does not answer${error ? ": " + error : ""}.`,
    tracker: (url: string, warning: string) => `The tracker ${url} says: ${warning}`,
    emptyPassphrase: "The wallet's passphrase is empty: whoever can read its file can spend its coins.",
  },

  behind: {
    title: "Catching up",
    body: (have: number, all: number) => `${have} of ${all} cheeses fetched and checked.`,
    unknown: "Asking the connected peers for their cheeses.",
  },

  actions: {
    title: "Actions",
    peerList: "Peer list",
    peerListHint: "Ask the tracker",
    connectPeers: "Connect peers",
    connectPeersHint: "Join all of them",
    createTransaction: "Create transaction",
    createTransactionHint: "Pay in CheeseCoin",
    showStack: "Show cheese stack",
    showStackHint: "See the whole chain",
  },

  peerList: {
    title: "Peers the tracker knows",
    found: (n: number) => `The tracker knows ${n} peer${s(n)}.`,
    empty: "The tracker knows no peer yet",
    emptyBody: "Peers announce themselves when they start. Start another one and ask again.",
    noTracker: "No tracker answered",
    name: "Name", addr: "Address", state: "State",
    self: "this peer", connected: "connected", notConnected: "not connected", unnamed: "name not known yet",
    trackers: "Asked",
    trackerPeers: (n: number) => `${n} peer${s(n)}`,
  },

  connectPeers: {
    title: "Connecting to the peers",
    done: (ok: number, all: number) => (all === 0 ? "There was no peer to connect to." : `Connected to ${ok} of ${all} peers.`),
    empty: "Nobody to connect to",
    emptyBody: "The tracker named no other peer.",
    addr: "Address", result: "Result",
    ok: "connected", already: "was connected already", failed: "failed",
  },

  send: {
    title: "Create transaction",
    randomTitle: "At random",
    random: "Random payment",
    randomHint: "1 to 10 CHZ to a connected peer, both chosen at random.",
    formTitle: "By hand",
    recipient: "Recipient",
    recipientHint: "An address, or the name of a connected peer.",
    pick: "Connected peers",
    noPeers: "No connected peer can be paid by name at the moment.",
    amount: "Amount",
    spendable: (chz: string) => `You can spend ${chz} CHZ; the fee comes on top.`,
    feeRate: "Fee rate",
    feeUnit: "crumbs/vbyte",
    feeHint: "Left empty, the peer chooses. More gets it into a cheese sooner.",
    submit: "Send",
    recipientEmpty: "Enter an address, or pick a connected peer.",
    recipientUnknown: "This is neither an address nor the name of a connected peer.",
    addressSpaces: "An address has no spaces, and no connected peer has this name.",
    peerGone: "That peer is no longer connected.",
    peerTwice: (name: string) => `Two connected peers call themselves ${name}. Pick one of them by its address.`,
    tooMuch: (chz: string) => `This is more than you can spend: ${chz} CHZ.`,
    feeJunk: "A number of crumbs per vbyte, for example 2 or 2.5.",
    feeZero: "The fee rate must be more than zero, or empty.",
    feeTooMuch: (max: number) => `More than ${max} crumbs per vbyte is surely a slip.`,
    sentTitle: "Payment on its way",
    sent: (amount: string, to: string) => `${amount} CHZ to ${to}. It waits in every peer's mempool until someone mines it.`,
    txid: "Transaction", to: "To", fee: "Fee",
    failedTitle: "Not sent",
  },

  stack: {
    title: "Cheese stack",
    lead: "The chain, newest cheese (block) on top. Each carries the smell (hash) of the one below it, so none can be swapped without everyone noticing.",
    empty: "No cheese yet",
    smell: "Smell", prev: "Previous smell",
    prevTerm: "Previous smell (previous block hash)",
    height: (n: number) => `Cheese ${n}`,
    genesis: "Blue Cheese", genesisTerm: "genesis block, the same for everyone",
    minedBy: "Mined by", nobody: "nobody", unclaimed: "no name given", you: "you", claimed: "as it claims",
    nonce: "Nonce", difficulty: "Difficulty", txs: "Transactions", time: "Time", reward: "Reward", size: "Size",
    txCount: (n: number) => `${n} transaction${s(n)}`,
    lost: "lost the race", tied: "tied: the next cheese decides", invalid: "breaks the rules", fork: "Fork",
    older: "Load older cheeses", between: (n: number) => `${n} older cheese${s(n)} in between`,
    olderFailed: "The older cheeses could not be loaded.",
    details: (n: number) => `Details of cheese ${n}`,
    legend: "A coloured wheel stands for a smell: the same wheel is the same hash. Dim zeros are the work that was done.",
    forks: (n: number) => `${n} cheese${s(n)} lost a race here and stand${n === 1 ? "s" : ""} beside the stack.`,
  },

  block: {
    back: "Cheese stack",
    title: (n: number) => `Cheese ${n}`,
    notFound: "No such cheese",
    header: "Header", body: "Transactions",
    next: "Next smell", none: "none yet", merkle: "Merkle root", reward: "Reward, fees included", version: "Version", bits: "Target (bits)", weight: "Weight",
    confirmations: "Confirmations", coinbaseText: "Coinbase text", miner: "Miner", fees: "Fees",
    notBest: "This cheese is not in the best chain.",
  },

  tx: {
    title: "Transaction",
    notFound: "No such transaction",
    coinbase: "Coinbase: new coins for the miner", coinbaseShort: "new coins and fees", coinbaseFee: "none: these coins are new", unknownCoin: "coin not at hand",
    inputs: "Inputs", outputs: "Outputs", fee: "Fee", vsize: "Size", feerate: "Fee rate", txid: "Transaction id",
    in: "In", waiting: "waiting in the mempool", inBlock: (h: number) => `cheese ${h}`, confirmations: "Confirmations",
    raw: "Raw transaction (hex)", noAddress: "no address", vbytes: (n: number) => `${n} vbytes`,
  },

  balance: {
    title: "Balance",
    confirmed: "Confirmed", pending: "Pending", immature: "Immature", spendable: "Spendable",
    pendingHint: "in transactions that wait for a cheese", immatureHint: (n: number) => `mined coins rest for ${n} cheeses`,
  },

  tip: { title: "Top of the stack", lead: "tip", none: "no cheese yet" },

  peers: {
    title: "Connections",
    connected: (n: number) => `peer${s(n)} connected`,
    split: (inbound: number, outbound: number) => `${inbound} inbound, ${outbound} outbound`,
    none: "Nobody is connected. Press “Connect peers”.",
  },

  mining: {
    title: "Mining", switch: "Mine cheeses", on: "on", off: "off", paused: "paused",
    rate: "Hash rate", limit: "Limit", noLimit: "no limit", limitUnit: "hashes/s", limitField: "Limit in hashes a second; empty is none",
    mined: (n: number) => `${n} cheese${s(n)} mined since the start`,
    classic: (have: number, want: number) => `${Math.min(have, want)} of ${want} transactions wait until a cheese is mined`,
    limitJunk: "A whole number of hashes a second, or empty for none.",
  },

  race: {
    title: "The race", lead: (n: number) => (n === 1 ? "who mined the last cheese" : `who mined the last ${n} cheeses`),
    none: "The race starts with the first cheese.", you: "you", unnamed: "no name",
  },

  latest: { log: "What just happened", stack: "Latest cheeses", all: "All" },

  connections: {
    title: "Connections",
    lead: "Peers this one talks to right now. Inbound ones called us, outbound ones we called.",
    name: "Name", addr: "Address", direction: "Direction", height: "Height", ping: "Ping", since: "Since", bytes: "In / out",
    inbound: "inbound", outbound: "outbound", handshake: "shaking hands", unnamed: "no name",
    empty: "Nobody is connected", emptyBody: "Press “Connect peers” on the home page, or connect by address.",
    connectTitle: "Connect by address", addrLabel: "Address", addrHint: "host:port, for example 127.0.0.1:23456",
    connect: "Connect", connecting: "Connecting", connected: (a: string) => `Connected to ${a}.`,
    addrEmpty: "Enter an address.", addrJunk: "An address is host:port, for example 127.0.0.1:23456.", portJunk: "A port is a number from 1 to 65535.",
    disconnect: "Disconnect", disconnectFrom: (n: string) => `Disconnect from ${n}`, disconnected: (n: string) => `Disconnected from ${n}.`,
    actions: "Actions",
  },

  log: {
    title: "Log",
    lead: "What the terminal prints about the network.",
    filter: "Kinds", all: "all", search: "Filter by text", clear: "Clear the filter",
    kinds: {
      mined: "mined", added: "added", reorg: "reorg", lost: "lost", tx: "payments", peer: "peers", tracker: "tracker", sync: "sync", other: "other",
    },
    pause: "Pause", resume: "Resume", paused: (n: number) => (n === 0 ? "Paused" : `Paused, ${n} new line${s(n)}`),
    newBelow: (n: number) => `${n} new line${s(n)} below`, toEnd: "To the newest line",
    empty: "Nothing has happened yet", noMatch: "No line matches", gap: (n: number) => `${n} line${s(n)} did not fit and were skipped`,
    count: (n: number, all: number) => (n === all ? `${n} line${s(n)}` : `${n} of ${all} lines`),
  },

  pool: {
    title: "Mempool",
    lead: "Transactions that wait for a cheese, best fee rate first. Miners take from the top.",
    empty: "No transaction waits", emptyBody: "Create one, and it shows here and at every other peer until someone mines it.",
    summary: (n: number, size: string) => `${n} transaction${s(n)}, ${size}`,
    txid: "Transaction", amount: "Amount", fee: "Fee", feerate: "Fee rate", vsize: "Size", time: "Seen", next: "Next cheese",
    inNext: "in the next cheese", later: "later", rateUnit: "crumbs/vB", vb: "vB", crumbs: "crumbs",
  },

  wallet: {
    title: "Wallet",
    receive: "Receive", address: "Your address", fresh: "New address", qr: "QR code of your address",
    addressHint: "Use a new one for each payment: old ones keep working.", freshDone: "A new address is shown.",
    history: "History", empty: "No payment yet", emptyBody: "Mined, received and sent coins are listed here.",
    kind: { received: "Received", sent: "Sent", mined: "Mined", self: "To yourself" },
    state: { pending: "pending", confirmed: "confirmed", immature: "immature", conflicted: "conflicted" },
    confirmations: (n: number) => `${n} confirmation${s(n)}`,
    what: "What", when: "When", stateTitle: "State", amount: "Amount", transaction: "Transaction", fee: (chz: string) => `fee ${chz}`,
    conflictedHint: "another transaction spent the same coins", send: "Send",
  },
} as const;
