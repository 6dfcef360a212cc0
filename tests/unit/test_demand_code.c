/*
 * Proves src/text/demand_code.c and demand_lex.c: when code is demanded, what no reader of its language accepts, and that what the
 * lexers cannot tell is no fault.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_help.h"

#include "../../src/text/demand_parts.h"

#define NOTHING "nothing in particular"

static void
code_is_demanded(void **state)
{
	(void)state;
	static const struct demand_reading cases[] = {
		{ "Write a Python function that adds two numbers.", "python code" },
		{ "write me a function in JavaScript that adds two numbers", "javascript code" },
		{ "Please write an SQL query to list all customers.", "sql code" },
		{ "Write a C++ program that sorts numbers.", "c code" },
		{ "Write a C# program which sends a request.", "c# code" },
		{ "Can you write a function in Go that sorts numbers?", "go code" },
		{ "Implement a stack class in Java.", "java code" },
		{ "Write me a Java Script code that counts.", "javascript code" },
		{ "write a function that adds two numbers", "code" },
		{ "Reverse a list in Python. Return only the code.", "nothing but code" },
		{ "Write a bash script that renames files.", "shell code" },
	};
	all_read(CASES(cases));
}

static void
speaking_of_code_is_no_demand(void **state)
{
	(void)state;
	static const struct demand_reading cases[] = {
		{ "Write a script for a video about jazz.", NOTHING },
		{ "Explain this Python function to me.", NOTHING },
		{ "Write an article about Python code.", NOTHING },
		{ "Write a tutorial on how to write a Python function.", NOTHING },
		{ "How would I write a Windows service?", NOTHING },
		{ "If it fails, write a Python function.", NOTHING },
		{ "Fix the typo in \"Write a Python function\".", NOTHING },
	};
	all_read(CASES(cases));
}

struct code_case {
	enum code_language language;
	const char *code;
	bool good;
};

static void
code_is_read_as_its_language_has_it(void **state)
{
	(void)state;
	static const struct code_case cases[] = {
		{ CODE_PYTHON, "def f(x):\n    return {'a': [x, (1, 2)]}  # it's (fine\n", true },
		{ CODE_PYTHON, "s = \"it's\" + 'a \"b\" (' + '\\''\n", true },
		{ CODE_PYTHON, "def f():\n    \"\"\"Don't (\n    stop\"\"\"\n    return f\"{x['a']}\"\n",
		    true },
		{ CODE_PYTHON, "def f():\n    pass\n\nif x: return 1\nfor a in b:\n    # nothing\n    c()\n",
		    true },
		{ CODE_PYTHON, "x = [\n    1,\n    2\n", false },
		{ CODE_PYTHON, "print('hello)\n", false },
		{ CODE_PYTHON, "x = (1, 2]\n", false },
		{ CODE_PYTHON, "x = 1)\n", false },
		{ CODE_PYTHON, "s = '''abc\n", false },
		{ CODE_PYTHON, "def f(x):\nreturn x\n", false },
		{ CODE_PYTHON, ">>> print('a\n", true },
		{ CODE_JAVASCRIPT, "const r = /['\"(]/g.test(s); // it's\nconst t = `a ${b} 'c`;\n", true },
		{ CODE_JAVASCRIPT, "return /[/'(]/.test(x) ? a / b / c : `\n'`;\n", true },
		{ CODE_JAVASCRIPT, "return <p>Don't</p>;\n", true },
		{ CODE_JAVASCRIPT, "`${a['b']}`;", true },
		{ CODE_JAVASCRIPT, "function f() {\n  return 1;\n", false },
		{ CODE_JAVASCRIPT, "const s = 'abc;\n", false },
		{ CODE_JAVASCRIPT, "const s = `abc;\n", false },
		{ CODE_JAVA, "class A { char c = '\"', d = '\\'', e = '('; /* ' */ String s = \"//\"; }\n",
		    true },
		{ CODE_JAVA, "String s = \"\"\"\n it's \"quoted\" (\n \"\"\";\n", true },
		{ CODE_JAVA, "class A { /* no end }\n", false },
		{ CODE_JAVA, "class A { void f() { }\n", false },
		{ CODE_C, "int n = 1'000'000; char c = '{'; auto s = R\"x(it's \" ( )x\";\n", true },
		{ CODE_C, "#ifdef A\nif (x) {\n#else\nif (y) {\n#endif\n}\n", true },
		{ CODE_C, "int main(void) { return 0;\n", false },
		{ CODE_CSHARP, "var s = @\"C:\\dir\\\"; var t = $\"{x[\"a\"]}\";\n", true },
		{ CODE_GO, "s := `raw \" ' (`\nr := '\"'\n", true },
		{ CODE_GO, "func main() {\n\tfmt.Println(\"a)\n}\n", false },
		{ CODE_RUST,
		    "fn f<'a>(x: &'a str) -> &'a str { let c = '\"'; let r = r#\"a \" (\"#; /* a /* b */ c "
		    "*/ x }\n",
		    true },
		{ CODE_RUST, "fn f() { let s = \"two\nlines\"; }\n", true },
		{ CODE_RUST, "fn f() { let s = \"two; }\n", false },
		{ CODE_KOTLIN, "val s = \"${m[\"a\"]} (\"\n", true },
		{ CODE_SQL, "SELECT 'it''s', \"a\" FROM t -- don't (\nWHERE x IN (1, 2);\n", true },
		{ CODE_SQL, "SELECT 'it\\'s' FROM t;\n", true },
		{ CODE_SQL, "SELECT * FROM t WHERE x IN (1, 2;\n", false },
		{ CODE_SQL, "SELECT 'abc FROM t;\n", false },
		{ CODE_SHELL, "case $x in\n  a) echo \"it's\" ;; # don't\nesac\necho '\\'\n", true },
		{ CODE_SHELL, "cat <<EOF\nit's\nEOF\n", true },
		{ CODE_SHELL, "echo 'abc\n", false },
		{ CODE_HTML, "<html><body>x</body></html>", true },
		{ CODE_HTML, "<html><body>x</body>", false },
		{ CODE_UNKNOWN, "(((", true },
	};
	size_t wrong = 0;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *found = code_fault(str_from(cases[i].code), cases[i].language);
		if ((found == NULL) != cases[i].good) {
			print_message("%s: %s\n", found != NULL ? found : "no fault", cases[i].code);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void
the_longest_fence_of_the_language_is_judged(void **state)
{
	(void)state;
	static const struct demand_case cases[] = {
		{ "Write a Python function that adds.", "```python\ndef f(a, b):\n    return a + b\n```\n",
		    NONE },
		{ "Write a Python function that adds.", "```python\ndef f(a, b):\n    return (a + b\n```\n",
		    DEMAND_CODE },
		{ "Write a Python function that adds.", "```python\ndef f(a, b):\n    return a + b\n",
		    DEMAND_CODE },
		{ "Write a Python function that adds.", "You add the two numbers and that is all.",
		    DEMAND_CODE },
		{ "Write a Python function that adds.", "Use sum(a, b).", NONE },
		{ "can you write code?", "Yes, and with pleasure.", NONE },
		{ "Write a Python function that adds.",
		    "```python\ndef f(a, b):\n    return a + b\n```\nCall it as\n```python\nf(1,\n```\n",
		    NONE },
		{ "Write a Python function that adds.", "```bash\necho '\n```\n```python\nprint(1)\n```\n",
		    NONE },
		{ "Write a Python function that adds.", "```\ndef f(a, b:\n```\n", DEMAND_CODE },
		{ "Write a function that adds.", "```js\nfunction f(a, b) {\n```\n", DEMAND_CODE },
		{ "Write a function that adds.", "```lisp\n(defun f (a b)\n```\n", NONE },
		{ "Add numbers in Python. Return only the code.", "def f(a, b):\n    return a + b", NONE },
	};
	all_judged(CASES(cases));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_is_demanded),
		cmocka_unit_test(speaking_of_code_is_no_demand),
		cmocka_unit_test(code_is_read_as_its_language_has_it),
		cmocka_unit_test(the_longest_fence_of_the_language_is_judged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
