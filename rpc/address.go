package rpc

import (
	"errors"

	"cheese/coin"
	"cheese/script"
)

var utilMethods = []method{
	{name: "validateaddress", category: inUtil, run: validateAddress,
		help:   "Return information about the given address.",
		args:   []arg{{name: "address", kind: text, help: "The address to validate"}},
		result: "(json object) isvalid, address, scriptPubKey, isscript, iswitness and more, or error"},
}

type addressJSON struct {
	Valid     bool   `json:"isvalid"`
	Address   string `json:"address,omitempty"`
	Script    hexed  `json:"scriptPubKey,omitempty"`
	IsScript  *bool  `json:"isscript,omitempty"`
	IsWitness *bool  `json:"iswitness,omitempty"`
	Version   *int   `json:"witness_version,omitempty"`
	Program   hexed  `json:"witness_program,omitempty"`
	Places    *[]int `json:"error_locations,omitempty"`
	Error     string `json:"error,omitempty"`
}

func validateAddress(c *call) (any, error) {
	s := c.text(0)
	if c.err != nil {
		return nil, c.err
	}
	output, err := c.node.Params.ParseAddress(s)
	if err != nil {
		j := addressJSON{Error: err.Error(), Places: &[]int{}}
		if bad := (*coin.AddressError)(nil); errors.As(err, &bad) {
			j.Error, j.Places = bad.Reason, optional(append([]int{}, bad.Positions...))
		}
		return j, nil
	}
	return describeAddress(c.node.Params, output), nil
}

// describeAddress has the fields of Core's DescribeAddress in its order. A witness program of a version without
// meaning yet may be a script or not.
func describeAddress(p *coin.Params, output []byte) addressJSON {
	address, _ := p.Address(output)
	j := addressJSON{Valid: true, Address: address, Script: output}
	class, _ := script.Classify(output)
	version, program, witness := script.WitnessProgram(output)
	j.IsWitness = &witness
	if class != script.WitnessUnknown {
		j.IsScript = optional(class != script.PubKeyHash && class != script.WitnessV0KeyHash)
	}
	if witness && class != script.Anchor {
		j.Version, j.Program = &version, program
	}
	return j
}
