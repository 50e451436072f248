package rpc

// methods builds the table of all methods by name.
func methods() map[string]*method {
	table := map[string]*method{}
	for _, room := range [][]method{blockchainMethods, controlMethods, miningMethods, networkMethods, packageMethods, poolMethods, surgeryMethods, transactionMethods, txOutSetMethods, utilMethods, walletMethods} {
		for i := range room {
			m := &room[i]
			if _, twice := table[m.name]; twice {
				panic("two methods are called " + m.name)
			}
			table[m.name] = m
		}
	}
	return table
}

// The categories of help.
const (
	inBlockchain   = "Blockchain"
	inControl      = "Control"
	inGenerating   = "Generating"
	inMining       = "Mining"
	inNetwork      = "Network"
	inTransactions = "Rawtransactions"
	inUtil         = "Util"
	inWallet       = "Wallet"
	hidden         = "hidden" // help knows them, but its list does not name them, as in Core
)
