{# Brian2's own threshold.cpp looks at one cell after the other. Here a block of cells is compared at once, in vector
instructions, and looked at one by one only where one of them spikes. The condition is evaluated twice: it must not
draw random numbers. #}
{# USES_VARIABLES { N } #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    // scalar code
    const int _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    {% set _eventspace = get_array_name(eventspace_variable) %}

    constexpr int _block = 128;
    long _count = 0;
    for(int _first=0; _first<N; _first+=_block)
    {
        const int _end = _first + _block < N ? _first + _block : N;
        int _any = 0;
        for(int _idx=_first; _idx<_end; _idx++)
        {
            const size_t _vectorisation_idx = _idx;
            {{vector_code|autoindent}}
            _any |= _cond;
        }
        if(!_any)
            continue;
        for(int _idx=_first; _idx<_end; _idx++)
        {
            const size_t _vectorisation_idx = _idx;
            {{vector_code|autoindent}}
            if(_cond) {
                {{_eventspace}}[_count++] = _idx;
                {% if _uses_refractory %}
                {{not_refractory}}[_idx] = false;
                {{lastspike}}[_idx] = {{t}};
                {% endif %}
            }
        }
    }
    {{_eventspace}}[N] = _count;
{% endblock %}

{% block after_code %}
{% set _eventspace = get_array_name(eventspace_variable) %}
{{_eventspace}}[N] = 0;
{% endblock %}
