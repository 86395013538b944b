// Package bolt is the engine that relay runs on: the driver of one bbolt file. It is the only
// package that knows bbolt, its file and its lock.
//
// A File is opened under the file's lock, which no two processes have, and only if it is as
// long as it says it is. It is copied live, page by page (Export), written anew without what
// it no longer uses (Compact), and proved below the keys (Check). Guard turns a damaged page
// under the hands of a reader, which would end the process, into an error. Take locks a file
// that is to be replaced, Install gives another one its name, and Open follows the name.
package bolt
