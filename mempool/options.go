package mempool

import (
	"log/slog"
	"time"

	"cheese/coin"
	"cheese/script"
)

// Options configure a pool. In a literal, a zero value means the default, which is Bitcoin Core 28's; in what
// DefaultOptions returned every field counts as it stands, so that start from there to switch something off. Rates are
// in crumbs per 1000 virtual bytes.
type Options struct {
	Params   *coin.Params // the chain's, if nil
	Now      func() time.Time
	Logger   *slog.Logger
	Verifier *script.Verifier // share it with the chain, so that blocks find signatures checked

	MaxBytes            int64         // memory the entries may take, as Core counts it (-maxmempool); default 300 MB
	Expiry              time.Duration // how long a transaction may wait (-mempoolexpiry); default 14 days
	MinRelayFee         coin.Amount   // what any transaction must pay (-minrelaytxfee); default 1000
	IncrementalRelayFee coin.Amount   // what a replacement must pay above what it replaces (-incrementalrelayfee); default 1000
	DustRelayFee        coin.Amount   // by which an output is too small to be worth spending (-dustrelayfee); default 3000
	Limits              Limits        // on unconfirmed relatives
	BlockMinFee         coin.Amount   // what a package must pay to be put in a block (-blockmintxfee); default 1000

	FullRBF            bool // replace what does not signal that it may be (-mempoolfullrbf); default true
	PermitBareMultisig bool // take multisig outputs that are not wrapped (-permitbaremultisig); default true
	DataCarrierSize    int  // largest OP_RETURN output script in bytes (-datacarriersize), -1 for none at all; default 83
	BytesPerSigOp      int  // virtual bytes that a signature operation counts at least (-bytespersigop); default 20
	AcceptNonStandard  bool // take what policy calls non-standard (-acceptnonstdtxn); default false

	explicit bool // zeros count
}

// Limits bound the unconfirmed relatives a transaction may have in either direction, itself included. Sizes are in
// virtual bytes.
type Limits struct {
	AncestorCount, AncestorSize     int
	DescendantCount, DescendantSize int
}

// Defaults of Options.
const (
	DefaultMaxBytes            = 300_000_000
	DefaultExpiry              = 14 * 24 * time.Hour
	DefaultMinRelayFee         = 1000
	DefaultIncrementalRelayFee = 1000
	DefaultDustRelayFee        = 3000
	DefaultBlockMinFee         = 1000
	DefaultDataCarrierSize     = 83 // 80 of data and what pushes them
	DefaultBytesPerSigOp       = 20
	defaultRelatives           = 25
	defaultRelativesSize       = 101_000
)

// DefaultOptions returns the defaults, to be changed where wanted.
func DefaultOptions() Options {
	return Options{
		MaxBytes: DefaultMaxBytes, Expiry: DefaultExpiry, MinRelayFee: DefaultMinRelayFee,
		IncrementalRelayFee: DefaultIncrementalRelayFee, DustRelayFee: DefaultDustRelayFee, BlockMinFee: DefaultBlockMinFee,
		Limits: Limits{defaultRelatives, defaultRelativesSize, defaultRelatives, defaultRelativesSize},

		FullRBF: true, PermitBareMultisig: true, DataCarrierSize: DefaultDataCarrierSize, BytesPerSigOp: DefaultBytesPerSigOp,
		explicit: true,
	}
}

func (o Options) withDefaults(p *coin.Params) Options {
	if o.Params == nil {
		o.Params = p
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Verifier == nil {
		const signatures, workers = 1 << 14, 1
		o.Verifier = script.NewVerifier(signatures, workers)
	}
	if o.explicit {
		return o
	}
	d := DefaultOptions()
	fill(&o.MaxBytes, d.MaxBytes)
	fill(&o.Expiry, d.Expiry)
	fill(&o.MinRelayFee, d.MinRelayFee)
	fill(&o.IncrementalRelayFee, d.IncrementalRelayFee)
	fill(&o.DustRelayFee, d.DustRelayFee)
	fill(&o.BlockMinFee, d.BlockMinFee)
	fill(&o.Limits.AncestorCount, d.Limits.AncestorCount)
	fill(&o.Limits.AncestorSize, d.Limits.AncestorSize)
	fill(&o.Limits.DescendantCount, d.Limits.DescendantCount)
	fill(&o.Limits.DescendantSize, d.Limits.DescendantSize)
	fill(&o.FullRBF, d.FullRBF)
	fill(&o.PermitBareMultisig, d.PermitBareMultisig)
	fill(&o.DataCarrierSize, d.DataCarrierSize)
	fill(&o.BytesPerSigOp, d.BytesPerSigOp)
	o.explicit = true
	return o
}

// fill sets what is zero.
func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
