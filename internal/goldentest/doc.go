// Package goldentest runs a component against folders of real input and
// expected output:
//
//	testdata/<case>/config.yaml     the component's configuration (may be absent)
//	testdata/<case>/input*.yaml     batches, sent in the order of their names
//	testdata/<case>/output.yaml     what must come out, all batches together
//
// Run a test with -update to write output.yaml from what really came out; read
// the difference before committing it.
//
// It is test support and therefore the one package below internal/ that knows
// pdata.
package goldentest
