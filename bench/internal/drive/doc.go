// Package drive runs the degradation processor as a collector would, made by its
// factory and fed with pdata, and reads its verdicts, for the programs that score
// it.
package drive
