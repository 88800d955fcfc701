"""The load-testing guide that load_tests/README.md answers: its headings and commands, as it writes them."""

import re
import shlex
import textwrap

HEADINGS = """\
# Load Testing with Locust
## What We're Testing
### Core Performance Metrics
### Critical Business Scenarios
## Quick Start
### 1. Install Dependencies
### 2. Start Your API
### 3. Run Load Tests
### 4. Access Locust Web UI
## Test Scenarios
### Main Load Test (`locustfile.py`)
#### User Types & Distribution:
#### Realistic Behaviors:
### Specialized Scenarios (`scenarios.py`)
#### 1. Last Item Race Condition Test
#### 2. Bulk Operations Test
#### 3. Stock Depletion Recovery Test
#### 4. High-Frequency Monitoring Test
#### 5. Error Condition Test
## Configuration Options
### Basic Load Test
### Headless Mode (CI/CD)
### Specific Scenario Testing
## Performance Expectations
### Response Time Targets
### Throughput Targets
### Concurrency Targets
## Monitoring & Analysis
### Key Metrics to Watch
### Common Performance Issues
### Success Criteria
## Troubleshooting
### Common Issues
### Debug Mode
## Results Analysis
### Interpreting Results
### Performance Baselines
### Load Testing Best Practices
## Advanced Usage
### Custom Scenarios
### Integration with CI/CD
""".splitlines()
"""Without their emojis."""

BLOCKS = (
    """\
# Install Locust and testing dependencies
poetry install

# Or with pip
pip install locust faker
""",
    """\
# Terminal 1: Start the API server
python run_api.py
""",
    """\
# Terminal 2: Start Locust
locust -f load_tests/locustfile.py --host=http://localhost:8000

# Or run specific scenarios
locust -f load_tests/scenarios.py --host=http://localhost:8000
""",
    """\
# Light load testing
locust -f load_tests/locustfile.py --host=http://localhost:8000 \\
       --users 10 --spawn-rate 2 --run-time 2m

# Medium load testing
locust -f load_tests/locustfile.py --host=http://localhost:8000 \\
       --users 50 --spawn-rate 5 --run-time 5m

# Heavy load testing
locust -f load_tests/locustfile.py --host=http://localhost:8000 \\
       --users 200 --spawn-rate 10 --run-time 10m
""",
    """\
# Run without web UI for automated testing
locust -f load_tests/locustfile.py --host=http://localhost:8000 \\
       --users 50 --spawn-rate 5 --run-time 3m --headless \\
       --html results.html --csv results
""",
    """\
# Test only race conditions
locust -f load_tests/scenarios.py --host=http://localhost:8000 \\
       -u 20 -r 5 -t 60s

# Test bulk operations
locust -f load_tests/scenarios.py --host=http://localhost:8000 \\
       -u 10 -r 2 -t 120s
""",
    """\
# Run with verbose logging
locust -f load_tests/locustfile.py --host=http://localhost:8000 \\
       --loglevel DEBUG

# Single user for debugging
locust -f load_tests/locustfile.py --host=http://localhost:8000 \\
       --users 1 --spawn-rate 1
""",
)
"""All of the guide's blocks of shell commands."""

CI_STEP = """\
# Example GitHub Actions integration
- name: Load Testing
  run: |
    locust -f load_tests/locustfile.py \\
           --host=http://staging-api:8000 \\
           --users 50 --spawn-rate 5 --run-time 3m \\
           --headless --html results.html
"""
"""The guide's step of a pipeline, without its `upload-artifact results.html`, which is no command."""


def headings(page: str) -> list[str]:
    """Return the headings of a page, with their level as `#`, without those inside of blocks."""
    return re.findall(
        r"^#+ .+$", re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    )


def blocks(page: str, language: str = "bash") -> list[str]:
    """Return the content of a page's blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[str]:
    """Return the shell commands of a block in their order, a line each, without comments."""
    lines = block.replace("\\\n", " ").splitlines()
    split = [shlex.split(line, comments=True) for line in lines]
    return [shlex.join(words) for words in split if words]


CI_COMMAND = commands(textwrap.dedent(CI_STEP.split("run: |\n")[1]))[0]
