"""Keywords of programming languages that a word may follow, and words that begin with a keyword."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

_KEYWORDS = """
python: and as assert async await class def del elif else except finally for from global if import
  in is lambda match case nonlocal not or raise return try while with yield
javascript: async await case class const default delete else export extends from function import
  in instanceof let new of return static throw typeof var void yield
typescript: abstract as async await case class const declare default delete else enum export
  extends from function implements import in infer instanceof interface is keyof let namespace new
  of private protected public readonly return satisfies static throw type typeof var void yield
go: case chan const defer else for func go goto if import interface package range return select
  struct switch type var
rust: as async await const crate dyn else enum extern fn for if impl in let loop match mod move
  mut pub ref return static struct trait type union unsafe use where while
java: abstract assert case class default else enum extends final implements import instanceof
  interface native new package private protected public record return sealed static synchronized
  throw throws transient void volatile yield boolean byte char double float int long short
c: break case class const continue default do else enum goto return static struct void char double
  extern float inline int long register short signed typedef union unsigned
cpp: break case class const continue default do else enum goto return static struct void auto bool
  char co_await co_return co_yield concept constexpr delete double explicit extern float friend
  inline int long mutable namespace new operator private protected public short signed template
  this throw typedef typename union unsigned using virtual volatile
csharp: abstract as async await base bool case class const double else enum event explicit extern
  float implicit in int interface internal is long namespace new out override partial private
  protected public readonly record ref return sealed static string struct throw using var virtual
  void where yield
kotlin: abstract as by class companion const data else enum external final fun import in infix
  inline inner interface internal is lateinit object open operator out override package private
  protected public return sealed suspend throw typealias val var vararg
swift: as async await case class defer else enum extension fileprivate final for func guard if
  import in init inout internal is lazy let mutating open operator override private protocol
  public return static struct switch throw throws try typealias unowned var weak where while
scala: abstract case class def else extends final for given if implicit import lazy match new
  object override package private protected return sealed throw trait type using val var while
  with yield
dart: abstract as async await case class const else enum export extends factory final get import
  implements in is late mixin new part required return set static throw typedef var void with
  yield
php: abstract and as case class clone const echo else extends final fn function global implements
  include include_once insteadof instanceof interface namespace new or print private protected
  public readonly require require_once return static throw trait use var xor yield
ruby: alias and begin case class def defined do else elsif ensure extend if in include module not
  or raise require rescue return then undef unless until when while yield
lua: and do else elseif for function goto if in local not or repeat return then until while
shellscript: case do elif else export for function if in local readonly return then until while
elixir: alias and case def defmodule defp do else end fn if import in not or require unless use
  when
haskell: case class data deriving do else if import in infix instance let module newtype of then
  type where
sql: add all alter and as asc between by case constraint create cross default delete desc distinct
  drop else exists from full group having if in index inner insert into is join left like limit
  not null offset on or order outer primary references returning right select set table then union
  unique update using values view when where with
"""
_ALIASES = {
    "javascriptreact": "javascript",
    "typescriptreact": "typescript",
    "vue": "typescript",
    "svelte": "typescript",
    "cuda-cpp": "cpp",
    "objective-c": "c",
    "objective-cpp": "cpp",
    "bash": "shellscript",
    "sh": "shellscript",
    "groovy": "java",
}

_OPERATORS = "and or in is as of instanceof extends implements satisfies"
OPERATORS = frozenset(_OPERATORS.split())
"""Words that need an operand before them."""
OPERATORS_OR_STATEMENTS = OPERATORS | {"if", "else", "from", "where"}
"""Those, and words that may follow an operand."""
_TAKE_NUMBER = """
return case yield in and or not else elif if while when limit offset then is between
"""
TAKE_NUMBER = frozenset(_TAKE_NUMBER.split())
"""Words that a number may follow."""
_CONTINUED = """
ascii aspect assert asset assets assign assignment async asynchronous casefold cases character
characters charset classes classifier classify constant constants created creation default
defer define delay delete deleted delimiter deliver delta deploy doc docs document done double
down download elseif elsif endif floating foreach forest format formatted formatter forward
fromisoformat fromkeys function functions getter globals imported imports increment index
indices infer info inherit init initial inline inner input insert inside instance instanceof
int integer intent interface internal interval into inventory invoke isinstance island
issubclass issue item letter letters limited limits longitude matched matcher matches matching
model module modules modulo newer newest newline notation note notebook notes nothing notice
notification notify order ordered orderly orders organization origin original printed printf
println public publish returned returns selected selection selector setter settings settled
setup shortcut shorten statics structure structured tables throwable thrown throws trait
traits typedef typename typeof types typing updated updates used useful user username users
valid validate value values varchar variable variables variance variant viewed withdraw within
without
"""
CONTINUED = frozenset(_CONTINUED.split())
"""Common words that begin with a keyword."""


@cache
def _tables() -> dict[str, frozenset[str]]:
    tables: dict[str, frozenset[str]] = {}
    for entry in _KEYWORDS.replace("\n  ", " ").strip().split("\n"):
        language, _, words = entry.partition(":")
        tables[language] = frozenset(words.split())
    return tables


def keywords_of(language: str) -> frozenset[str]:
    """Return the keywords of a language that a word may follow; empty for an unknown language."""
    return _tables().get(_ALIASES.get(language, language), frozenset())


def fold_of(language: str) -> Callable[[str], str]:
    """Return the function that makes equal words of a language equal texts."""
    return str.lower if language == "sql" else str
