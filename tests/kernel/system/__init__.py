"""Tests of certificates about systems on balls."""
