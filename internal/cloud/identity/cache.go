package identity

import (
	"container/list"
	"crypto/sha256"
	"sync"
)

const (
	cacheSize   = 16 << 10 // tokens
	cacheShards = 16
)

// digest names a token in the cache, so that the cache keeps no tokens.
type digest = [sha256.Size]byte

// digestOf hashes a token; one of the usual length costs no allocation.
func digestOf(token string) digest {
	var room [2048]byte
	return sha256.Sum256(append(room[:0], token...))
}

// cache remembers verified tokens, the most recently used ones. It is cut into shards by digest so that many cores do
// not wait for one lock. Whether a remembered token is still good is for the caller to ask.
type cache struct{ shards [cacheShards]shard }

type shard struct {
	mu    sync.Mutex
	most  int
	byKey map[digest]*list.Element
	order *list.List // of cached, most recent first
}

type cached struct {
	key   digest
	value verified
}

func newCache(most int) *cache {
	c := &cache{}
	for n := range c.shards {
		c.shards[n] = shard{most: max(1, most/cacheShards), byKey: map[digest]*list.Element{}, order: list.New()}
	}
	return c
}

func (c *cache) shard(key digest) *shard { return &c.shards[key[0]%cacheShards] }

func (c *cache) get(key digest) (verified, bool) {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	element, ok := s.byKey[key]
	if !ok {
		return verified{}, false
	}
	s.order.MoveToFront(element)
	return element.Value.(cached).value, true
}

func (c *cache) put(key digest, value verified) {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if element, ok := s.byKey[key]; ok {
		element.Value = cached{key, value}
		s.order.MoveToFront(element)
		return
	}
	s.byKey[key] = s.order.PushFront(cached{key, value})
	if s.order.Len() > s.most {
		delete(s.byKey, s.order.Remove(s.order.Back()).(cached).key)
	}
}

func (c *cache) drop(key digest) {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if element, ok := s.byKey[key]; ok {
		delete(s.byKey, key)
		s.order.Remove(element)
	}
}

func (c *cache) len() int {
	total := 0
	for n := range c.shards {
		c.shards[n].mu.Lock()
		total += c.shards[n].order.Len()
		c.shards[n].mu.Unlock()
	}
	return total
}
