package blackbox

// These tests build the server by themselves, which go test cannot see: without this import it
// would answer from its cache after the server changed.
import _ "tradingengine/cmd/internal/app"
