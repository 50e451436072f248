package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"cheese/lab"
	"cheese/node"
	"cheese/rpc"
)

type rpcCmd struct {
	Method string   `arg:"" help:"The method, such as getblockcount; help lists them."`
	Args   []string `arg:"" optional:"" help:"Its arguments in order, or name=value with --named." passthrough:""`
	Named  bool     `help:"Arguments are name=value."`

	Name string `help:"Which of your peers to ask (default: your user name)." placeholder:"NAME"`
	networkFlag
	DataDir  string `help:"The peer's data directory, instead of --name and --network." type:"path" placeholder:"DIR"`
	URL      string `name:"url" help:"Where the peer's RPC answers, for a peer without data directory; needs --user and --password." placeholder:"URL"`
	User     string `help:"With --url." default:"__cookie__"`
	Password string `help:"With --url; better in the environment than on the command line." env:"CHEESE_RPC_PASSWORD" placeholder:"PASSWORD"`
}

func (c *rpcCmd) Run(ctx context.Context, out *output) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	parse := rpc.ParseArgs
	if c.Named {
		parse = rpc.ParseNamedArgs
	}
	params, err := parse(c.Method, c.Args)
	if err != nil {
		return err
	}
	result, err := client.Call(ctx, c.Method, params)
	if err != nil {
		return c.spell(err)
	}
	return printResult(out, result)
}

// Error codes of Bitcoin Core whose messages are not for a person as they are.
const (
	codeMisc           = -1 // a call that does not fit is answered with the method's help
	codeMethodNotFound = -32601
)

// spell puts those errors in words for a person.
func (c *rpcCmd) spell(err error) error {
	var said *rpc.Error
	switch {
	case !errors.As(err, &said):
		return err
	case said.Code == codeMethodNotFound:
		return fmt.Errorf("there is no method %q: `cheese rpc help` lists them", c.Method)
	case said.Code == codeMisc && strings.Contains(said.Message, "\n"):
		return fmt.Errorf("%s cannot be called like this:\n\n%s", c.Method, said.Message)
	}
	return err
}

// client finds the peer by the file it leaves in its data directory.
func (c *rpcCmd) client() (*rpc.Client, error) {
	if c.URL != "" {
		if u, err := url.Parse(c.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("--url %q is not like http://127.0.0.1:8451", c.URL)
		}
		return &rpc.Client{URL: c.URL, User: c.User, Password: c.Password}, nil
	}
	dir := c.DataDir
	if dir == "" {
		params, err := c.params()
		if err != nil {
			return nil, err
		}
		if c.Name == "" {
			c.Name = userName()
		}
		if err := node.CheckName(c.Name); err != nil {
			return nil, fmt.Errorf("--name: %w", err)
		}
		if dir, err = orHome("", params.Name, c.Name); err != nil {
			return nil, err
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, lab.ReadyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no peer runs on %s: name another with --name and --network or --data-dir, or give --url and --password", dir)
	}
	if err != nil {
		return nil, err
	}
	var ready lab.Ready
	if err := json.Unmarshal(b, &ready); err != nil {
		return nil, fmt.Errorf("read %s: %w", lab.ReadyFile, err)
	}
	if ready.RPC == "" {
		return nil, fmt.Errorf("the peer on %s was started with --http none, so it has no RPC", dir)
	}
	return &rpc.Client{URL: ready.RPC, User: ready.RPCUser, Password: ready.RPCPassword}, nil
}

// printResult prints a text as it is and everything else as indented JSON, as bitcoin-cli does.
func printResult(out *output, result json.RawMessage) error {
	var text string
	if json.Unmarshal(result, &text) == nil {
		if string(result) != "null" {
			fmt.Fprintln(out.out, text)
		}
		return nil
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, result, "", "  "); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out.out, pretty.String())
	return err
}
